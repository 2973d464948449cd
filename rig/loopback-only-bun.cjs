// The doors of Bun that do not lead through node:net. There fetch, WebSocket and the `ws` package are native: Bun puts
// its own `ws` in the place of the one from npm. What is refused fails before anything is looked up or connected. One
// door cannot be closed, because Bun does not let it be replaced: `Bun.fetch` by that name. No package here uses it.
'use strict'

const { isLoopback, refusal } = require('./loopback-only.cjs')

/** Throws unless this URL leads to this machine. */
function admit(url) {
  const { hostname, port } = new URL(url, 'http://localhost')
  if (!isLoopback(hostname)) throw refusal(hostname, port || undefined)
}

// A redirect would be followed without asking again.
const { fetch } = globalThis
globalThis.fetch = async function (input, init) {
  admit(input instanceof Request ? input.url : String(input))
  const answer = await fetch(input, { ...init, redirect: 'manual' })
  if (answer.status >= 300 && answer.status < 400 && init?.redirect !== 'manual') throw refusal('wherever a redirect leads')
  return answer
}

const gated = (Socket) =>
  class WebSocket extends Socket {
    constructor(url, ...rest) {
      admit(String(url))
      super(url, ...rest)
    }
  }
globalThis.WebSocket = gated(globalThis.WebSocket)
// One object is both the exports and the class.
const ws = require('ws')
ws.WebSocket = ws.default = gated(ws.WebSocket)

const { connect } = Bun
Bun.connect = async function (options) {
  if (!options.unix && !isLoopback(options.hostname)) throw refusal(options.hostname, options.port)
  return connect(options)
}

for (const name of Object.keys(Bun.dns)) {
  if (!/^(lookup|prefetch|resolve|reverse)/.test(name)) continue
  const ask = Bun.dns[name]
  Bun.dns[name] = (host, ...rest) => {
    if (isLoopback(host)) return ask.call(Bun.dns, host, ...rest)
    return Promise.reject(refusal(host))
  }
}

Bun.udpSocket = async () => {
  throw refusal('udp')
}
