// session.location.
import { check, fires, leaves } from '../checks.mjs'
import * as phone from '../happenings.mjs'

export const location = {
  name: 'session.location',
  types: () => ['app/session/modules/location.d.ts#LocationManager'],
  object: x => x.session.location,
  rows: {
    subscribeToStream: fires(
      (x, handler) => x.session.location.subscribeToStream({ accuracy: 'high' }, handler),
      phone.at(47.2, 10.2),
      e => e.lat === 47.2,
    ),
    async unsubscribeFromStream(x) {
      // Other rows listen to where Ann is.
      x.peer.location.subscribeToStream({ accuracy: 'high' }, () => {})
      await x.synced(x.peer)
      const mark = x.bob.seen.mark()
      const update = await leaves(x, () => x.peer.location.unsubscribeFromStream(), 'subscription_update', x.peer)
      check(!update.subscriptions.includes('location_update'), 'it is still in the list')
      if (x.version === '2.1.28') {
        check(update.subscriptions.some(({ stream }) => stream === 'location_stream'), 'it is not in the list any more')
        x.peer.unsubscribe('location_stream')
        await x.bob.sees(x, 'set_location_tier', ({ message }) => message.tier === 'reduced', mark)
        return { bug: 'location-stays' }
      }
      // Nobody wants to know it so exactly any more, and after a while the phone is told so.
      await x.bob.sees(x, 'set_location_tier', ({ message }) => message.tier === 'reduced', mark)
      return 'sent'
    },
    async getLatestLocation(x) {
      // Nobody knows yet where Bob is, so his phone is asked.
      const mark = x.bob.seen.mark()
      const fix = x.peer.location.getLatestLocation({ accuracy: 'high' })
      // The SDK gives it up by itself, long after this row.
      fix.catch(() => {})
      const { message } = await x.bob.sees(x, 'request_single_location', ({ message }) => message.accuracy === 'high', mark)
      await phone.answersWithPlace(46.3, 9.3, message.correlationId)(x)
      check((await x.within(fix)).lat === 46.3, 'another place')
      return 'settled'
    },
  },
}
