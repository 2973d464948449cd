// The smallest cloud an app can be tested against: an HTTP server with one WebSocket path, and the app as a child
// process. Everything the app says is kept in order and can be waited for.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { createInterface } from 'node:readline'
import { WebSocketServer } from 'ws'

const PATIENCE_MS = 15_000
const here = fileURLToPath(new URL('.', import.meta.url))

/** A list that can be waited on: `next(matches)` takes the first entry that fits, now or when it comes. */
class Inbox {
  entries = []
  waiting = []

  push(entry) {
    this.entries.push(entry)
    for (const check of [...this.waiting]) check()
  }

  next(what, matches) {
    return new Promise((resolve, reject) => {
      const finish = (settle, value) => {
        clearTimeout(timer)
        this.waiting = this.waiting.filter((other) => other !== check)
        settle(value)
      }
      const check = () => {
        const at = this.entries.findIndex(matches)
        if (at >= 0) finish(resolve, this.entries.splice(at, 1)[0])
      }
      const timer = setTimeout(
        () => finish(reject, new Error(`no ${what} came; waiting are ${JSON.stringify(this.entries)}`)),
        PATIENCE_MS,
      )
      this.waiting.push(check)
      check()
    })
  }
}

export class FakeCloud {
  messages = new Inbox()
  sockets = []
  closes = new Inbox()
  upgrades = []
  oddConnections = 0
  http = createServer((_, response) => response.writeHead(404).end())

  static async start() {
    const cloud = new FakeCloud()
    const sockets = new WebSocketServer({ server: cloud.http, path: '/app-ws' })
    sockets.on('connection', (socket, request) => cloud.accept(socket, request))
    // The SDK turns ws:// into https:// for its permission check; that TLS hello ends here.
    cloud.http.on('clientError', (_, socket) => {
      cloud.oddConnections += 1
      socket.destroy()
    })
    cloud.http.listen(0, '127.0.0.1')
    await once(cloud.http, 'listening')
    return cloud
  }

  accept(socket, request) {
    const number = this.sockets.push(socket) - 1
    this.upgrades.push(request.headers)
    socket.on('message', (data, isBinary) => {
      const message = JSON.parse(String(data))
      if (process.env.RIG_TRACE) console.error(`app → cloud #${number}: ${data}`)
      this.messages.push({ socket: number, isBinary, ...message })
      if (message.type === 'tpa_connection_init') this.acknowledge(socket, message)
    })
    socket.on('close', (code, reason) => this.closes.push({ socket: number, code, reason: String(reason) }))
  }

  acknowledge(socket, { sessionId }) {
    const mentraosSettings = { metricSystemEnabled: false }
    const ack = { type: 'tpa_connection_ack', sessionId, settings: [], mentraosSettings, capabilities: null }
    socket.send(JSON.stringify({ ...ack, timestamp: new Date() }))
  }

  data(sessionId, streamType, data) {
    const envelope = { type: 'data_stream', sessionId, streamType, data, timestamp: new Date() }
    this.sockets.at(-1).send(JSON.stringify(envelope))
  }

  async webhook(port, body) {
    const url = `ws://127.0.0.1:${this.http.address().port}/app-ws`
    const urls = { websocketUrl: url, mentraOSWebsocketUrl: url, augmentOSWebsocketUrl: url }
    const response = await fetch(`http://127.0.0.1:${port}/webhook`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...body, ...(body.type === 'session_request' ? urls : {}), timestamp: new Date() }),
    })
    return { status: response.status, body: await response.json() }
  }

  message(type) {
    return this.messages.next(type, (message) => message.type === type)
  }

  async shown() {
    return (await this.message('display_event')).layout.text
  }

  stop() {
    for (const socket of this.sockets) socket.terminate()
    this.http.close()
    this.http.closeAllConnections()
  }
}

/** The app of `app.mjs` as a child process. */
export class App {
  events = new Inbox()
  foreign = []
  log = ''

  static async start(packageName) {
    const app = new App()
    const env = { ...process.env, PACKAGE_NAME: packageName, MENTRAOS_API_KEY: 'k'.repeat(64), PORT: '0' }
    app.child = spawn(process.execPath, ['--require', './preload.cjs', 'app.mjs'], { cwd: here, env })
    app.child.stderr.on('data', (chunk) => (app.log += chunk))
    createInterface({ input: app.child.stdout }).on('line', (line) => {
      try {
        app.events.push(JSON.parse(line))
      } catch {
        app.foreign.push(line)
      }
    })
    app.port = (await app.event('listening')).port
    return app
  }

  event(name) {
    return this.events.next(`event ${name}`, (event) => event.event === name)
  }

  tell(command) {
    this.child.stdin.write(`${JSON.stringify(command)}\n`)
  }

  async exit() {
    this.tell({ do: 'exit' })
    const [code] = await once(this.child, 'exit')
    return code
  }
}
