// Keeps stdout for the JSON lines of the app. The SDK logs in two ways: console.* (a stream) and a pino worker that
// writes to file descriptor 1 by number. Both are turned to stderr; what is left is `globalThis.printLine`.
'use strict'

const fs = require('node:fs')
const { isMainThread } = require('node:worker_threads')

if (isMainThread) {
  const write = process.stdout.write.bind(process.stdout)
  globalThis.printLine = (value) => write(`${JSON.stringify(value)}\n`)
  process.stdout.write = process.stderr.write.bind(process.stderr)
}

for (const name of ['write', 'writeSync', 'writev', 'writevSync']) {
  const original = fs[name]
  const redirected = (fd, ...rest) => original(fd === 1 ? 2 : fd, ...rest)
  fs[name] = Object.defineProperties(redirected, Object.getOwnPropertyDescriptors(original))
}
