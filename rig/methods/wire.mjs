// Lines of JSON to and from the test: this process asks, the test tells the phone, and everything that happens to a
// phone comes back as a line.
import { createInterface } from 'node:readline'
import { Inbox } from './inbox.mjs'

const { printLine } = globalThis
if (!printLine) {
  console.error('start me with a preload: node --require ./preload.cjs, or bun --preload ./preload-bun.cjs')
  process.exit(2)
}

export { printLine }

const waiting = new Map()
let last = 0

/** Asks the test to do something; resolves with its answer, rejects with what went wrong. */
export function want(wish) {
  const id = ++last
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject })
    printLine({ event: 'want', id, ...wish })
  })
}

/** What happened to each phone, by its wearer's name. */
export const phones = { ann: new Inbox(), bob: new Inbox() }

/** Resolves when the test says that everything is in place. */
export const ready = new Promise(resolve => {
  const take = {
    done({ done, error, answer }) {
      const { resolve, reject } = waiting.get(done)
      waiting.delete(done)
      if (error) reject(new Error(error))
      else resolve(answer)
    },
    phone: ({ phone, ...event }) => phones[phone].push(event),
    go: () => resolve(),
  }
  createInterface({ input: process.stdin })
    .on('line', line => {
      const message = JSON.parse(line)
      const kind = Object.keys(take).find(key => key in message)
      take[kind](message)
    })
    // The test is gone, and so are we.
    .on('close', () => process.reallyExit(0))
})
