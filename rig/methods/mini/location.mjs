// session.location and session.time: where and when.
import { atEnd, bug, check, equal, fires, leaves, local } from '../checks.mjs'
import * as phone from '../happenings.mjs'

const location = {
  name: 'session.location',
  types: () => ['session/managers/LocationManager.d.ts#LocationManager'],
  object: x => x.session.location,
  rows: {
    onUpdate: fires((x, handler) => x.session.location.onUpdate(handler), phone.at(47.2, 10.2), e => e.lat === 47.2),
    lat: local(x => equal(x.session.location.lat, 47.2)),
    lng: local(x => equal(x.session.location.lng, 10.2)),
    accuracy: local(x => equal(x.session.location.accuracy, 5)),
    timestamp: local(x => check(x.session.location.timestamp > 1_700_000_000_000, 'no time')),
    configure: local(x => x.peer.location.configure({ accuracy: 'tenMeters' })),
    async requestUpdate(x) {
      // Nobody knows yet where Bob is, so his phone is asked.
      const mark = x.bob.seen.mark()
      const fix = x.peer.location.requestUpdate()
      fix.catch(() => {})
      const { message } = await x.bob.sees(x, 'request_single_location', ({ message }) => message.accuracy === 'tenMeters', mark)
      await phone.answersWithPlace(46.3, 9.3, message.correlationId)(x)
      equal((await x.within(fix)).lat, 46.3)
      return 'settled'
    },
    async stop(x) {
      x.peer.location.onUpdate(() => {})
      await x.synced(x.peer)
      const mark = x.bob.seen.mark()
      const update = await leaves(x, () => x.peer.location.stop(), 'subscription_update', x.peer)
      check(!update.subscriptions.includes('location_stream'), 'it is still in the list')
      // Nobody wants to know it any more, and after a while the phone is told so.
      await x.bob.sees(x, 'set_location_tier', ({ message }) => message.tier === 'reduced', mark)
      return 'sent'
    },
    hasPermission: bug('always-permitted', x => equal(x.dashboard.location.hasPermission, true)),
    setPermission: local(x => {
      x.peer.location.setPermission(false)
      equal(x.peer.location.hasPermission, false)
    }),
    destroy: atEnd(local(x => x.again.location.destroy())),
  },
}

const time = {
  name: 'session.time',
  types: () => ['session/managers/TimeUtils.d.ts#TimeUtils'],
  object: x => x.session.time,
  rows: {
    zone: local(x => {
      const [{ zone }] = x.firsts.get(x.session).connected.entries
      check(zone, 'the ack had no time zone')
      equal(x.session.time.zone, zone)
    }),
    now: local(x => check(Math.abs(x.session.time.now() - Date.now()) < 1_000, 'another time')),
    setTimezone: local(x => {
      x.peer.time.setTimezone('Asia/Tokyo')
      equal(x.peer.time.zone, 'Asia/Tokyo')
    }),
    toLocal: local(x => equal(x.peer.time.toLocal(new Date('2026-01-01T00:00:00Z')).toISOString(), '2026-01-01T09:00:00.000Z')),
    format: local(x => equal(x.peer.time.format(new Date('2026-01-01T00:00:00Z'), { hour: '2-digit', hour12: false }), '09')),
  },
}

export { location, time }
