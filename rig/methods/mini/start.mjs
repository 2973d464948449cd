// MiniAppServer and MentraSession: one app server with all permissions, used by two wearers, and one without any, in the
// place of the system dashboard.
import { bobWears } from '../happenings.mjs'
import { Inbox } from '../inbox.mjs'
import { serve } from '../serve.mjs'
import { Tap } from '../tap.mjs'
import { eventually } from '../wait.mjs'

/** A server with handlers that tell what they are called with. */
function make(x, packageName) {
  const calls = { session: new Inbox(), stop: new Inbox(), tool: new Inbox(), settings: new Inbox(), webhook: new Inbox() }

  class Methods extends x.sdk.MiniAppServer {
    calls = calls

    handleSessionWebhookRequest(request, c) {
      calls.webhook.push(request.type)
      return super.handleSessionWebhookRequest(request, c)
    }

    handleStopWebhookRequest(request, c) {
      calls.webhook.push(request.type)
      return super.handleStopWebhookRequest(request, c)
    }

    async onSettingsUpdate(userId, settings) {
      calls.settings.push({ userId, settings })
    }
  }

  const server = new Methods({ packageName, apiKey: x.apiKey, port: 0, cloudApiUrl: x.cloud })
  server.onSession(session => {
    x.watch(session)
    calls.session.push({ session, sessionId: session.sessionId, userId: session.userId })
  })
  server.onStop((session, reason) => calls.stop.push({ userId: session?.userId, reason }))
  server.onToolCall(call => {
    calls.tool.push(call)
    return `did ${call.toolId}`
  })
  return server
}

/** Everything but the sessions, which come when the phones are there. */
export async function start(x) {
  const taps = new Map()
  // A session runs before the cloud has acknowledged it; what comes with that is for handlers registered now.
  x.firsts = new Map()
  x.watch = session => {
    const tap = new Tap(session.transport)
    session.onError(error => tap.error(error))
    taps.set(session, tap)
    const firsts = { connected: new Inbox(), permissions: new Inbox() }
    session.onConnected(settings => firsts.connected.push({ settings, zone: session.mentraosSettings.timezone }))
    session.permissions.onUpdate(permissions => firsts.permissions.push(permissions))
    x.firsts.set(session, firsts)
  }
  x.tap = (session = x.session) => taps.get(session)
  // The server takes the messages of a connection in their order, so when it has answered this it has taken all before.
  x.synced = async (session = x.session) => {
    // The SDK sends a changed list of subscriptions a microtask later.
    await Promise.resolve()
    const begun = performance.now()
    await session.camera.checkExistingStream()
    if (performance.now() - begun > 4_900) throw new Error('stream_status_check is not answered')
  }
  x.server = make(x, x.packageName)
  x.side = make(x, x.sideName)
  x.port = await serve(x.server)
  return { port: x.port, sidePort: await serve(x.side) }
}

/** Starts the app for both wearers. The one without permissions is started by the server. */
export async function begin(x) {
  const session = async (server, address) => {
    const isTheirs = ({ userId }) => userId === address
    const { session } = await server.calls.session.next(`a session of ${address}`, isTheirs, 20_000)
    await x.firsts.get(session).connected.next(`the ack for ${address}`, () => true, 20_000)
    return session
  }
  x.dashboard = await session(x.side, x.annsAddress)
  await x.ann.play(`start ${x.packageName}`)
  x.session = await session(x.server, x.annsAddress)
  await x.bob.play(`start ${x.packageName}`)
  x.peer = await session(x.server, x.bobsAddress)
  await bobWears('Mentra Live')(x)
  await eventually("Bob's glasses", () => x.peer.capabilities?.modelName === 'Mentra Live', 20_000)
}
