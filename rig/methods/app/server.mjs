// AppServer.
import { throws } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { atEnd, check, equal, extra, local, settles } from '../checks.mjs'
import * as phone from '../happenings.mjs'

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex')

/** Whom the app's own page takes for its user. */
async function whoami(x, query, headers = {}) {
  const response = await fetch(`http://127.0.0.1:${x.port}/whoami?${new URLSearchParams(query)}`, { headers })
  return (await response.json()).user
}

/** A photo request as the camera registers it; SDK 2.1.31-beta.5 takes it in another form. */
function register(x, requestId, sessionId = 'a session') {
  return new Promise((resolve, reject) => {
    if (x.version === '2.1.31-beta.5') return x.server.registerPhotoRequest(requestId, x.annsAddress, resolve, reject)
    const who = { userId: x.annsAddress, sessionId, session: x.session }
    x.server.registerPhotoRequest(requestId, { ...who, resolve, reject, timestamp: Date.now() })
  })
}

/** What glasses do with a photo. */
async function upload(x, requestId) {
  const form = new FormData()
  form.append('requestId', requestId)
  form.append('type', 'photo_upload')
  form.append('photo', new Blob(['picture'], { type: 'image/jpeg' }), 'photo.jpg')
  const response = await fetch(`http://127.0.0.1:${x.port}/photo-upload`, { method: 'POST', body: form })
  equal(response.status, 200, 'the status of the upload')
}

export const server = {
  name: 'AppServer',
  types: () => ['app/server/index.d.ts#AppServer'],
  object: x => x.server,
  data: ['logger', 'config'],
  rows: {
    start: settles(async x => {
      const health = await (await fetch(`http://127.0.0.1:${x.port}/health`)).json()
      equal(health.status, 'healthy', 'its health')
      equal(health.activeSessions, 2, 'the number of sessions')
    }),

    async onSession(x) {
      const [{ sessionId }] = x.server.calls.session.entries
      equal(sessionId, `${x.annsAddress}-${x.packageName}`, 'the session id')
      return 'fired'
    },

    async onToolCall(x) {
      const response = await fetch(`${x.cloud}/api/tools/apps/${x.packageName}/tool`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${x.apiKey}` },
        body: JSON.stringify({ toolId: 'add', toolParameters: { n: 1 }, userId: x.annsAddress, timestamp: new Date() }),
      })
      equal(response.status, 200, 'the status')
      equal((await response.json()).reply, 'did add', 'the reply')
      equal(x.server.calls.tool.entries[0].activeSession === x.session, true, 'the session being that of the user')
      return 'fired'
    },

    onSettingsUpdate: extra(async x => {
      await phone.sets('from-server', 1)(x)
      const { userId } = await x.server.calls.settings.next('onSettingsUpdate', () => true, x.left())
      equal(userId, x.annsAddress, 'the user')
      return 'fired'
    }),

    getExpressApp: local(x => equal(typeof x.server.getExpressApp().get, 'function', 'its get')),
    getHonoApp: local(x => equal(x.server.getHonoApp() === x.server, true, 'the app being the server')),

    async generateToken(x) {
      const make = () => x.server.generateToken(x.annsAddress, 'session', 'secret of the app')
      if (!globalThis.Bun) {
        throws(make, /jwt\.sign is not a function/)
        return { bug: 'jwt-on-node' }
      }
      equal(x.sdk.validateToken(make(), 'secret of the app').payload.userId, x.annsAddress, 'the user')
      return 'local'
    },

    registerPhotoRequest: local(async x => {
      const photo = register(x, 'photo-1')
      await upload(x, 'photo-1')
      equal(String((await x.within(photo)).buffer), 'picture', 'the photo')
    }),
    getPhotoRequest: local(x => {
      register(x, 'photo-2')
      equal(x.server.getPhotoRequest('photo-2').userId, x.annsAddress, 'the user')
    }),
    completePhotoRequest: local(x => {
      equal(x.server.completePhotoRequest('photo-2').userId, x.annsAddress, 'the user')
      equal(x.server.completePhotoRequest('photo-2'), undefined, 'the second answer')
    }),
    cleanupPhotoRequestsForSession: local(async x => {
      const photo = register(x, 'photo-3', 'another session').then(() => 'resolved', error => error.message)
      x.server.cleanupPhotoRequestsForSession('another session')
      equal(await x.within(photo), 'Session ended', 'the outcome')
    }),
    unregisterPhotoRequest: local(async x => {
      register(x, 'photo-4')
      x.server.unregisterPhotoRequest('photo-4')
      const response = await fetch(`http://127.0.0.1:${x.port}/photo-upload`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ requestId: 'photo-4' }),
      })
      equal(response.status, 404, 'the status of an upload')
    }),

    getActiveSessionById: local(x => {
      check(x.server.getActiveSessionById(x.session.getSessionId()) === x.session, 'another session')
    }),
    getActiveSessionForUser: local(x => {
      check(x.server.getActiveSessionForUser(x.annsAddress) === x.session, 'another session')
    }),
    setActiveSession: local(x => {
      x.server.setActiveSession('id', 'nobody@example.org', x.peer)
      check(x.server.getActiveSessionById('id') === x.peer, 'it is not there')
    }),
    removeActiveSession: local(x => {
      x.server.removeActiveSession('id', 'nobody@example.org')
      equal(x.server.getActiveSessionById('id'), null, 'the session')
    }),
    async handleSessionWebhookRequest(x) {
      check(x.server.calls.webhook.entries.includes('session_request'), 'it was not called')
      return 'fired'
    },

    'web view: frontend token': extra(local(async x => {
      const token = `${x.annsAddress}:${sha256(x.annsAddress, sha256(x.apiKey))}`
      equal(await whoami(x, {}, { authorization: `Bearer ${token}` }), x.annsAddress, 'the user')
    })),
    'web view: temporary token': extra(async x => {
      const { token } = await x.ann.rest('POST', '/api/auth/generate-webview-token', { packageName: x.packageName })
      const query = { aos_temp_token: token, cloudApiUrl: x.cloud, cloudApiUrlChecksum: sha256(x.cloud, sha256(x.apiKey)) }
      equal(await whoami(x, query), x.annsAddress, 'the user')
      return 'settled'
    }),
    'web view: signed token': extra(async x => {
      const path = '/api/auth/generate-webview-signed-user-token'
      const { token } = await x.ann.rest('POST', path, { packageName: x.packageName })
      equal(await whoami(x, { aos_signed_user_token: token }), x.annsAddress, 'the user')
      return 'settled'
    }),

    onStop: atEnd(async x => {
      const mark = x.server.calls.stop.mark()
      await x.ann.play(`stop ${x.packageName}`)
      const isHers = ({ userId }) => userId === x.annsAddress
      const { reason } = await x.server.calls.stop.next('onStop', isHers, x.left(), mark)
      equal(reason, 'user_disabled', 'the reason')
      return 'fired'
    }),
    handleStopWebhookRequest: atEnd(async x => {
      check(x.server.calls.webhook.entries.includes('stop_request'), 'it was not called')
      return 'fired'
    }),
    addCleanupHandler: atEnd(local(x => x.server.addCleanupHandler(() => x.keep('cleaned', true)))),
    stop: atEnd(settles(async x => {
      // SDK v2 ends the process; this one still has to say how it went.
      process.exit = () => {}
      await x.server.stop()
      check(x.cleaned, 'the cleanup handler was not called')
    })),
  },
}
