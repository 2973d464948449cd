// What rows are made of. A row is a function of the context `x`, or an object with such a function as `run`.
import { isDeepStrictEqual } from 'node:util'
import { Inbox } from './inbox.mjs'

export function check(isGood, message) {
  if (!isGood) throw new Error(message)
}

export function equal(found, expected, what = 'it') {
  check(isDeepStrictEqual(found, expected), `${what} is ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`)
}

const asRow = row => (typeof row === 'function' ? { run: row } : row)

/** Its feature is of a later version of the server. */
export const pending = (feature, row) => ({ ...asRow(row), pending: feature })
/** It ends or disturbs the session, so it comes after everything else. */
export const atEnd = row => ({ ...asRow(row), when: 'end' })
/** No member of the class, but of its API: a method that a subclass may have, an HTTP route. */
export const extra = (row, there = () => true) => ({ ...asRow(row), extra: there })

/** No wire is involved. */
export const local = body => async x => {
  await body(x)
  return 'local'
}

/** A promise resolves, with what it should. */
export const settles = body => async x => {
  await x.within(body(x))
  return 'settled'
}

/** The SDK cannot do it whatever the server does; `evidence` is what shows it. */
export const bug = (note, evidence) => async x => {
  await evidence(x)
  return { bug: note }
}

/** Registers a handler, lets something happen, and waits until the handler got it. Gives what it got. */
export async function heard(x, register, make, fits = () => true, session = x.session) {
  const inbox = new Inbox()
  const off = register(x, (...args) => inbox.push(args.length > 1 ? args : args[0]))
  try {
    await x.synced(session)
    await make(x)
    return await inbox.next('the event', fits, x.left())
  } finally {
    if (typeof off === 'function') off()
  }
}

/** The handler gets what the phone, or the cloud, makes. */
export const fires = (register, make, fits, session) => async x => {
  await heard(x, register, make, fits, session?.(x))
  return 'fired'
}

/** A display request as the SDKs write it. */
export const wall = (x, text) => ({
  type: 'display_event',
  packageName: x.packageName,
  view: 'main',
  layout: { layoutType: 'text_wall', text },
})

/** It is told, and the phone sees the effect: an event of the simulated phone that fits. */
export const reaches = (act, kind, fits = () => true, phone = 'ann') => async x => {
  const mark = x[phone].seen.mark()
  await act(x)
  await x[phone].sees(x, kind, fits, mark)
  return 'sent'
}

/** The phone is told to show this text. */
export const shows = (act, text, options = {}) =>
  reaches(act, 'display', event => event.text === text && event.view === (options.view ?? 'main'), options.phone)

/** It leaves the SDK as this message, and the server takes it without an error. Gives the message. */
export async function leaves(x, act, type, session = x.session) {
  const tap = x.tap(session)
  const [sent, errors] = [tap.sent.mark(), tap.errors.mark()]
  await act(x)
  const message = await tap.sent.next(`a message ${type}`, message => message.type === type, x.left(), sent)
  await x.synced(session)
  const error = tap.errors.entries.slice(errors).find(error => error.includes(type))
  check(!error, `the server answered: ${error}`)
  return message
}
