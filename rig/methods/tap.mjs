// What a session says to the cloud and hears of errors: looked at on its way, not changed.
import { Inbox } from './inbox.mjs'
import { printLine } from './wire.mjs'

/** How an SDK says that it did not understand the server. No message of the server may cause that. */
const NOT_UNDERSTOOD = /unrecognized message type|error processing message|invalid message format/i
const told = new Set()

export class Tap {
  sent = new Inbox()
  errors = new Inbox()

  /** `socket` has the `send` that everything goes through. */
  constructor(socket, isExpected = () => false) {
    this.isExpected = isExpected
    this.onto(socket)
  }

  /** Also what goes through this socket: a session that came back has another one. */
  onto(socket) {
    const { send } = socket
    socket.send = (data, ...rest) => {
      if (typeof data === 'string') this.sent.push(JSON.parse(data))
      return send.call(socket, data, ...rest)
    }
  }

  error(error) {
    const message = error instanceof Error ? error.message : String(error)
    this.errors.push(message)
    if (NOT_UNDERSTOOD.test(message) && !this.isExpected(message) && !told.has(message)) {
      told.add(message)
      printLine({ event: 'stray', message })
    }
  }

  /** The subscriptions of the newest list that was sent after `mark`. */
  async subscriptions(x, mark) {
    const update = await this.sent.next('a subscription_update', ({ type }) => type === 'subscription_update', x.left(), mark)
    return this.sent.entries.findLast(({ type }) => type === 'subscription_update')?.subscriptions ?? update.subscriptions
  }
}
