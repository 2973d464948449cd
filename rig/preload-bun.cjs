// preload.cjs for Bun (`bun --preload ./preload-bun.cjs …`): Bun has more ways out, a console of its own, and workers
// that inherit nothing.
'use strict'

const { Console } = require('node:console')
const threads = require('node:worker_threads')

require('./preload.cjs')
require('./loopback-only-bun.cjs')

// Node's console writes to process.stdout; Bun's writes to the descriptor.
globalThis.console = new Console(process.stderr, process.stderr)

threads.Worker = class Worker extends threads.Worker {
  constructor(file, options) {
    super(file, { ...options, preload: [__filename] })
  }
}
