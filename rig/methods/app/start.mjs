// AppServer and AppSession: one app server with all permissions, used by two wearers, and the system dashboard beside
// it, without any permission.
import { bobWears } from '../happenings.mjs'
import { Inbox } from '../inbox.mjs'
import { serve } from '../serve.mjs'
import { Tap } from '../tap.mjs'
import { eventually } from '../wait.mjs'

/** The developer's subclass: it tells what it is called with. */
function appClass(x) {
  return class Methods extends x.sdk.AppServer {
    calls = { session: new Inbox(), stop: new Inbox(), tool: new Inbox(), settings: new Inbox(), webhook: new Inbox() }

    async onSession(session, sessionId, userId) {
      x.watch(session)
      this.calls.session.push({ session, sessionId, userId })
    }

    async onStop(sessionId, userId, reason) {
      this.calls.stop.push({ sessionId, userId, reason })
      await super.onStop(sessionId, userId, reason)
    }

    async onToolCall(call) {
      this.calls.tool.push(call)
      return `did ${call.toolId}`
    }

    async onSettingsUpdate(userId, settings) {
      this.calls.settings.push({ userId, settings })
    }

    // SDK 3.0.0-alpha.4 lets a subclass have these two.
    handleSessionWebhookRequest(request, c) {
      this.calls.webhook.push(request.type)
      return super.handleSessionWebhookRequest(request, c)
    }

    handleStopWebhookRequest(request, c) {
      this.calls.webhook.push(request.type)
      return super.handleStopWebhookRequest(request, c)
    }
  }
}

/** Everything but the sessions, which come when the phones are there. */
export async function start(x) {
  const taps = new Map()
  // SDK 2.1.28 says nothing by which a server could know it from its successors, which listen to this.
  const isOlder = message => x.version === '2.1.28' && message.endsWith(': device_state_update')
  x.watch = session => {
    const tap = new Tap(session.ws, isOlder)
    session.events.onError(error => tap.error(error))
    taps.set(session, tap)
  }
  // A session that came back has another socket.
  x.watchAgain = session => taps.get(session).onto(session.ws)
  x.tap = (session = x.session) => taps.get(session)
  // The server takes the messages of a connection in their order, so when it has answered this it has taken all before.
  x.synced = async (session = x.session) => {
    const begun = performance.now()
    await session.camera.checkExistingStream()
    if (performance.now() - begun > 4_900) throw new Error('stream_status_check is not answered')
  }

  const App = appClass(x)
  x.server = new App({ packageName: x.packageName, apiKey: x.apiKey, port: 0 })
  x.side = new App({ packageName: x.sideName, apiKey: x.apiKey, port: 0 })
  x.port = await serve(x.server)
  return { port: x.port, sidePort: await serve(x.side) }
}

/** Starts the app for both wearers. The dashboard is started by the server. */
export async function begin(x) {
  const session = (server, address) =>
    server.calls.session.next(`a session of ${address}`, ({ userId }) => userId === address, 20_000)
  x.dashboard = (await session(x.side, x.annsAddress)).session
  await x.ann.play(`start ${x.packageName}`)
  x.session = (await session(x.server, x.annsAddress)).session
  await x.bob.play(`start ${x.packageName}`)
  x.peer = (await session(x.server, x.bobsAddress)).session
  await bobWears('Mentra Live')(x)
  await eventually("Bob's glasses", () => x.peer.capabilities?.modelName === 'Mentra Live', 20_000)
}
