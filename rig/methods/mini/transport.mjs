// session.transport: the socket under a session. After everything else, another one speaks for Bob's app.
import { atEnd, check, equal, local, settles } from '../checks.mjs'
import { Inbox } from '../inbox.mjs'

export const transport = {
  name: 'session.transport',
  types: () => ['transport/WebSocketTransport.d.ts#WebSocketTransport'],
  object: x => x.session.transport,
  rows: {
    connect: atEnd(settles(async x => {
      const headers = {
        'x-user-id': x.bobsAddress,
        'x-session-id': `${x.bobsAddress}-${x.packageName}`,
        'x-package-name': x.packageName,
        'x-api-key': x.apiKey,
      }
      const wire = new x.session.transport.constructor({ url: `${x.cloud.replace('http', 'ws')}/app-ws`, headers })
      const heard = { text: new Inbox(), binary: new Inbox(), close: new Inbox() }
      wire.onMessage(text => heard.text.push(JSON.parse(text)))
      wire.onBinary(data => heard.binary.push(data))
      wire.onClose((code, reason) => heard.close.push({ code, reason }))
      x.keep('wire', wire)
      x.keep('heard', heard)
      await wire.connect()
    })),
    isOpen: atEnd(local(x => equal(x.wire.isOpen, true))),
    readyState: atEnd(local(x => equal(x.wire.readyState, 1))),
    send: atEnd(async x => {
      const init = { type: 'tpa_connection_init', packageName: x.packageName, apiKey: x.apiKey, sdkVersion: '3.0.0-alpha.4' }
      x.wire.send(JSON.stringify({ ...init, timestamp: new Date() }))
      await x.heard.text.next('the ack', ({ type }) => type === 'tpa_connection_ack', x.left())
      return 'sent'
    }),
    onMessage: atEnd(async x => {
      check(x.heard.text.entries.length > 0, 'nothing was heard')
      return 'fired'
    }),
    sendBinary: atEnd(async x => {
      const question = { type: 'stream_status_check', packageName: x.packageName, requestId: 'as bytes', timestamp: new Date() }
      x.wire.sendBinary(new TextEncoder().encode(JSON.stringify(question)))
      await x.heard.text.next('the answer', ({ requestId }) => requestId === 'as bytes', x.left())
      return 'sent'
    }),
    onBinary: atEnd(async x => {
      const mark = x.bob.seen.mark()
      const list = { type: 'subscription_update', packageName: x.packageName, subscriptions: ['audio_chunk'] }
      x.wire.send(JSON.stringify({ ...list, timestamp: new Date() }))
      // The microphone goes on when the list has come.
      await x.bob.sees(x, 'microphone_state_change', ({ message }) => message.isMicrophoneEnabled, mark)
      await x.bob.sound(640)
      await x.heard.binary.next('sound', data => data.byteLength === 640, x.left())
      return 'fired'
    }),
    close: atEnd(async x => {
      x.wire.close(1000, 'enough')
      await x.eventually('the app to be away', async () => (await x.bob.phase(x.packageName)) !== 'running')
      return 'sent'
    }),
    onClose: atEnd(async x => {
      const { code } = await x.heard.close.next('the close', () => true, x.left())
      equal(code, 1000)
      return 'fired'
    }),
    onError: atEnd(local(async x => {
      const nowhere = new x.session.transport.constructor({ url: 'ws://127.0.0.1:9/nowhere' })
      const failed = new Promise(resolve => nowhere.onError(resolve))
      await nowhere.connect().then(() => check(false, 'it connected'), () => {})
      await x.within(failed)
    })),
  },
}
