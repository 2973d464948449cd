// An app that does nothing but keep things: `session.simpleStorage` of the unmodified npm SDK, driven from outside like
// app.mjs. Events: listening, session, stop, answer (of every command, with the value or the error), error.
// Commands: {"do":"set","args":[…]}: any method of simpleStorage, for all live sessions. {"do":"exit"}.
import { createInterface } from 'node:readline'
import { AppServer } from '@mentra/sdk'

const { printLine } = globalThis
if (!printLine) {
  console.error('start me as: node --require ./preload.cjs storage.mjs')
  process.exit(2)
}

const text = (error) => (error instanceof Error ? error.message : String(error))

class StorageApp extends AppServer {
  live = new Map()

  async onSession(session, sessionId, userId) {
    this.live.set(sessionId, session)
    printLine({ event: 'session', sessionId, userId })
  }

  // What was not written yet is written when the session disconnects; `stop` says that it was.
  async onStop(sessionId, userId, reason) {
    const session = this.live.get(sessionId)
    this.live.delete(sessionId)
    await session?.disconnect()
    await super.onStop(sessionId, userId, reason)
    printLine({ event: 'stop', sessionId, userId, reason })
  }
}

const app = new StorageApp({
  packageName: process.env.PACKAGE_NAME ?? 'org.example.rig',
  apiKey: process.env.MENTRAOS_API_KEY ?? '',
  port: Number(process.env.PORT ?? 0),
})

async function obey(line) {
  if (!line.trim()) return
  const { do: method, args = [] } = JSON.parse(line)
  if (method === 'exit') return app.stop()
  for (const { simpleStorage, userId } of app.live.values()) {
    try {
      const value = await simpleStorage[method](...args)
      printLine({ event: 'answer', userId, method, value: value ?? null })
    } catch (error) {
      printLine({ event: 'answer', userId, method, error: text(error) })
    }
  }
}

function fail(error) {
  printLine({ event: 'error', message: text(error), fatal: true })
  process.exit(1)
}
process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)

// The SDK keeps its HTTP server to itself; this is the only way to learn which port it got.
const http = app.getExpressApp()
const { listen } = http
let server
http.listen = (...args) => (server = listen.apply(http, args))

await app.start()
printLine({ event: 'listening', port: server.address().port })
createInterface({ input: process.stdin }).on('line', obey).on('close', () => app.stop())
