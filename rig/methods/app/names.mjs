// Calls that name a stream without a handler: SDK 2.1.28 sends the name, later ones do not.
import { equal } from '../checks.mjs'

/** `isThere` tells whether the name shall be in the list afterwards. */
export const nameOnly = (act, name, isThere = true) => async x => {
  const mark = x.tap().sent.mark()
  await act(x)
  const stream = typeof name === 'function' ? name(x) : name
  const list = await x.tap().subscriptions(x, mark)
  if (x.version !== '2.1.28') {
    equal(list.includes(stream), !isThere, `${stream} being in the list`)
    return { bug: 'no-wire-subscribe' }
  }
  equal(list.includes(stream), isThere, `${stream} being in the list`)
  await x.synced()
  return 'sent'
}
