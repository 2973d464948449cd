// Calls that name a stream without a handler: SDK 2.1.28 sends the name, later ones do not.
import { equal } from '../checks.mjs'

/** `isThere` tells whether the name shall be in the list afterwards. */
export const nameOnly = (act, name, isThere = true, whose = x => x.session) => async x => {
  const tap = x.tap(whose(x))
  const mark = tap.sent.mark()
  await act(x)
  const stream = typeof name === 'function' ? name(x) : name
  const list = await tap.subscriptions(x, mark)
  if (x.version !== '2.1.28') {
    equal(list.includes(stream), !isThere, `${stream} being in the list`)
    return { bug: 'no-wire-subscribe' }
  }
  equal(list.includes(stream), isThere, `${stream} being in the list`)
  await x.synced(whose(x))
  return 'sent'
}
