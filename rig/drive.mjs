// What the apps of this folder have in common: the JSON lines, and an HTTP server on a port that can be asked for. The
// events and commands are listed in app.mjs.
import { createInterface } from 'node:readline'

export const { printLine } = globalThis
if (!printLine) {
  console.error('start me with a preload, as app.mjs says')
  process.exit(2)
}

export const config = {
  packageName: process.env.PACKAGE_NAME ?? 'org.example.rig',
  apiKey: process.env.MENTRAOS_API_KEY ?? '',
  port: Number(process.env.PORT ?? 0),
}

export const text = (error) => (error instanceof Error ? error.message : String(error))

/** Starts the app, says where it listens, and obeys until it is told to leave. */
export async function drive(app, commands) {
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  const { port, exit } = globalThis.Bun ? await underBun(app) : await underNode(app)
  printLine({ event: 'listening', port })
  const mark = () => printLine({ event: 'mark' })
  const known = { ...commands, mark, exit }
  createInterface({ input: process.stdin }).on('line', (line) => obey(known, line)).on('close', exit)
}

// The second generation keeps its HTTP server to itself; this is the only way to learn which port it got.
async function underNode(app) {
  const http = app.getExpressApp()
  const { listen } = http
  let server
  http.listen = (...args) => (server = listen.apply(http, args))
  await app.start()
  return { port: server.address().port, exit: () => app.stop() }
}

// The third generation does not listen: the app is a request handler, and Bun serves it.
async function underBun(app) {
  await app.start()
  const server = Bun.serve({ port: config.port, fetch: app.fetch })
  const exit = async () => {
    await app.stop()
    await server.stop(true)
    process.exit(0)
  }
  return { port: server.port, exit }
}

async function obey(commands, line) {
  if (!line.trim()) return
  try {
    const command = JSON.parse(line)
    if (!Object.hasOwn(commands, command.do)) throw new Error(`unknown command ${command.do}`)
    await commands[command.do](command)
  } catch (error) {
    printLine({ event: 'error', message: text(error) })
  }
}

function fail(error) {
  printLine({ event: 'error', message: text(error), fatal: true })
  process.exit(1)
}
