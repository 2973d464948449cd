// session.location.
import { check, fires, leaves, pending } from '../checks.mjs'
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
      x.session.location.subscribeToStream({ accuracy: 'high' }, () => {})
      const update = await leaves(x, () => x.session.location.unsubscribeFromStream(), 'subscription_update')
      check(!update.subscriptions.includes('location_update'), 'it is still in the list')
      return 'sent'
    },
    getLatestLocation: pending('device', async x => {
      const [seen, sent] = [x.ann.seen.mark(), x.tap().sent.mark()]
      const fix = x.session.location.getLatestLocation({ accuracy: 'high' })
      // The SDK gives it up by itself, long after this row.
      fix.catch(() => {})
      const { correlationId } = await x.tap().sent.next('the poll', ({ type }) => type === 'location_poll_request', x.left(), sent)
      await x.ann.sees(x, 'request_single_location', () => true, seen)
      await phone.at(46.3, 9.3, { correlationId })(x)
      check((await x.within(fix)).lat === 46.3, 'another place')
      return 'settled'
    }),
  },
}
