// Bun's counterpart of ../preload.cjs: nothing but loopback can be reached. Bun's fetch and WebSocket do not pass through
// node:net, so each of them has a gate here.
//
// Our JSON lines go to file descriptor 3. The SDK logs to stdout, in part from a worker that loads no preload, so whoever
// starts this process makes 3 the stdout that it reads, and sends the real one elsewhere.
'use strict'

const fs = require('node:fs')

for (const name of Object.keys(process.env)) {
  if (/_proxy$/i.test(name)) delete process.env[name]
}

const isLoopback = host => /^(localhost|127(\.\d+){3}|\[?::1\]?)$/.test(host)

function check(url) {
  const { hostname } = new URL(url)
  if (isLoopback(hostname)) return
  process.stderr.write(`rig: refused a connection to ${hostname}: only loopback is reachable\n`)
  throw Object.assign(new Error(`connect ECONNREFUSED ${hostname} (rig: loopback only)`), { code: 'ECONNREFUSED' })
}

const { fetch } = globalThis
globalThis.fetch = Object.assign(async (input, init) => {
  check(typeof input === 'string' || input instanceof URL ? input : input.url)
  return fetch(input, init)
}, fetch)

const { WebSocket } = globalThis
globalThis.WebSocket = class extends WebSocket {
  constructor(url, ...rest) {
    check(url)
    super(url, ...rest)
  }
}

for (const module of [require('node:http'), require('node:https')]) {
  for (const name of ['request', 'get']) {
    const original = module[name]
    module[name] = (...args) => {
      const [target] = args
      check(typeof target === 'string' || target instanceof URL ? target : `http://${target.hostname ?? target.host ?? 'localhost'}`)
      return original.apply(module, args)
    }
  }
}

globalThis.printLine = value => fs.writeSync(3, `${JSON.stringify(value)}\n`)
