// MentraSession: the session itself.
import { atEnd, check, equal, fires, leaves, local, settles, shows, wall } from '../checks.mjs'
import * as phone from '../happenings.mjs'

export const session = {
  name: 'MentraSession',
  types: () => ['session/MentraSession.d.ts#MentraSession'],
  object: x => x.session,
  data: [
    'transport', 'logger', 'permissions', 'transcription', 'translation', 'display', 'speaker', 'mic', 'device', 'phone',
    'camera', 'led', 'location', 'dashboard', 'storage', 'time', 'appConfig',
  ],
  rows: {
    packageName: local(x => equal(x.session.packageName, x.packageName)),
    sessionId: local(x => equal(x.session.sessionId, `${x.annsAddress}-${x.packageName}`)),
    userId: local(x => equal(x.session.userId, x.annsAddress)),
    isConnected: local(x => equal(x.session.isConnected, true)),
    isParked: local(x => equal(x.session.isParked, false)),
    getServerUrl: local(x => equal(x.session.getServerUrl(), x.cloud)),
    capabilities: local(x => x.eventually('the capabilities', () => x.session.capabilities?.modelName === 'Simulated Glasses')),
    mentraosSettings: local(x => equal(x.session.mentraosSettings.brightness, 50)),
    settingsData: local(async x => {
      await phone.sets('data', 1)(x)
      await x.eventually('the setting', () => x.session.settingsData.some(({ key, value }) => key === 'data' && value === 1))
    }),
    onConnected: async x => {
      check(Array.isArray(x.firsts.get(x.session).connected.entries[0].settings), 'it was told no settings')
      return 'fired'
    },
    onError: fires(
      (x, handler) => x.session.onError(handler),
      x => x.session.sendMessage({ type: 'display_event', packageName: x.packageName, layout: {} }),
      error => /display_event|layout/i.test(error.message),
    ),
    onSettings: fires(
      (x, handler) => x.session.onSettings(handler),
      phone.sets('told', 2),
      settings => settings.some(({ key, value }) => key === 'told' && value === 2),
    ),
    sendMessage: shows(x => x.session.sendMessage(wall(x, 'by hand')), 'by hand'),
    // Text may come as bytes, too.
    sendBinary: shows(x => x.session.sendBinary(Buffer.from(JSON.stringify(wall(x, 'as bytes')))), 'as bytes'),
    updateSettingsForTesting: local(x => {
      x.peer.updateSettingsForTesting([{ key: 'tested', value: true }])
      equal(x.peer.settingsData, [{ key: 'tested', value: true }])
    }),

    // Bob's socket is cut; the SDK comes back by itself.
    onDisconnected: atEnd(async x => {
      const gone = new Promise(resolve => x.peer.onDisconnected(resolve))
      x.keep('back', new Promise(resolve => x.peer.onReconnected(() => resolve(true))))
      x.peer.transport.ws.terminate()
      equal((await x.within(gone)).permanent, false, 'whether it is permanent')
      return 'fired'
    }),
    onReconnected: atEnd(async x => {
      check(await x.within(x.back), 'it was not called')
      return 'fired'
    }),
    // The same session once more, from another object: it takes the place of the one that the app server made.
    connect: atEnd(settles(async x => {
      x.keep('stopped', new Promise(resolve => x.peer.onStopped(resolve)))
      const { packageName, apiKey, bobsAddress: userId } = x
      const sessionId = `${userId}-${packageName}`
      const headers = { 'x-user-id': userId, 'x-session-id': sessionId, 'x-package-name': packageName, 'x-api-key': apiKey }
      const Transport = x.session.transport.constructor
      const transport = new Transport({ url: `${x.cloud.replace('http', 'ws')}/app-ws`, headers })
      const again = new x.sdk.MentraSession({ packageName, apiKey, sessionId, userId, serverUrl: x.cloud, transport })
      x.keep('again', again)
      x.watch(again)
      await again.connect()
      await x.synced(again)
      equal(again.isConnected, true, 'whether it is connected')
    })),
    onStopped: atEnd(async x => {
      await x.within(x.stopped)
      return 'fired'
    }),
    releaseOwnership: atEnd(async x => {
      await leaves(x, () => x.again.releaseOwnership('switching_clouds'), 'ownership_release', x.again)
      return 'sent'
    }),
    disconnect: atEnd(settles(async x => {
      await x.again.disconnect()
      await x.eventually('the app to be dormant', async () => (await x.bob.phase(x.packageName)) === 'dormant')
    })),
  },
}
