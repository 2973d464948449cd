// AppSession: the session itself, its deprecated shortcuts, and messages from app to app.
import { atEnd, bug, check, equal, fires, heard, leaves, local, reaches, settles, shows, wall } from '../checks.mjs'
import * as phone from '../happenings.mjs'
import { nameOnly } from './names.mjs'

const on = method => (x, handler) => x.session[method](handler)

const CONFIG = {
  name: 'Methods',
  description: 'An app',
  version: '1.0.0',
  settings: [
    { type: 'group', title: 'All' },
    { type: 'slider', key: 'volume', label: 'Volume', min: 0, max: 10, defaultValue: 5 },
  ],
  tools: [],
}

const live = {
  getSessionId: local(x => equal(x.session.getSessionId(), `${x.annsAddress}-${x.packageName}`)),
  getPackageName: local(x => equal(x.session.getPackageName(), x.packageName)),
  getServerUrl: local(x => equal(x.session.getServerUrl(), `${x.cloud.replace('http', 'ws')}/app-ws`)),
  getHttpsServerUrl: local(x => equal(x.session.getHttpsServerUrl(), x.cloud.replace('http:', 'https:'))),

  onTranscription: fires(on('onTranscription'), phone.says('shortcut'), e => e.text === 'shortcut'),
  onTranscriptionForLanguage: fires(
    // Its session has only one such handler, and Ann's is in use.
    (x, handler) => x.peer.onTranscriptionForLanguage('en-US', handler),
    phone.says('shortcut in english', 'bob'),
    e => e.text === 'shortcut in english',
    x => x.peer,
  ),
  onTranslationForLanguage: fires(
    (x, handler) => x.peer.onTranslationForLanguage('en-US', 'es-ES', handler),
    phone.speaks([3], 'bob'),
    e => e.text === 'es-ES:w3' && e.isFinal,
    x => x.peer,
  ),
  onHeadPosition: fires(on('onHeadPosition'), phone.plays('head down'), e => e.position === 'down'),
  onButtonPress: fires(on('onButtonPress'), phone.plays('press left'), e => e.buttonId === 'left' && e.pressType === 'short'),
  onTouchEvent: fires(on('onTouchEvent'), phone.touches('triple_tap'), e => e.gesture_name === 'triple_tap'),
  'onTouchEvent(gesture)': fires(
    (x, handler) => x.session.onTouchEvent('long_press', handler),
    phone.touches('long_press'),
    e => e.gesture_name === 'long_press',
  ),
  subscribeToGestures: nameOnly(x => x.session.subscribeToGestures(['up_swipe']), 'touch_event:up_swipe'),
  onPhoneNotifications: fires(on('onPhoneNotifications'), phone.notified('n-2'), e => e.notificationId === 'n-2'),
  onPhoneNotificationDismissed: fires(
    on('onPhoneNotificationDismissed'),
    phone.dismissed('n-2'),
    e => e.notificationId === 'n-2',
  ),
  onVpsCoordinates: fires(on('onVpsCoordinates'), phone.vps('v-2'), e => e.requestId === 'v-2'),
  onPhotoTaken: fires(on('onPhotoTaken'), phone.photoTaken('p-2.jpg'), e => e.filename === 'p-2.jpg'),
  onGlassesConnectionState: fires(
    on('onGlassesConnectionState'),
    phone.connected('Simulated Glasses'),
    e => e.modelName === 'Simulated Glasses',
  ),
  on: fires((x, handler) => x.session.on('phone_battery_update', handler), phone.phoneBattery(33), e => e.level === 33),
  subscribe: nameOnly(x => x.session.subscribe('core_status_update'), 'core_status_update'),
  unsubscribe: async x => {
    const off = x.session.on('core_status_update', () => {})
    const answer = await nameOnly(x => x.session.unsubscribe('core_status_update'), 'core_status_update', false)(x)
    off()
    return answer
  },

  sendMessage: shows(x => x.session.sendMessage(wall(x, 'by hand')), 'by hand'),
  // Text may come as bytes, too.
  sendBinary: shows(x => x.session.sendBinary(Buffer.from(JSON.stringify(wall(x, 'as bytes')))), 'as bytes'),

  loadConfigFromJson: local(x => {
    equal(x.session.loadConfigFromJson(JSON.stringify(CONFIG)).name, 'Methods', 'the name')
  }),
  getConfig: local(x => equal(x.session.getConfig().version, '1.0.0', 'the version')),
  getDefaultSettings: local(x => equal(x.session.getDefaultSettings().map(({ key, value }) => [key, value]), [['volume', 5]])),
  getSettingSchema: local(x => equal(x.session.getSettingSchema('volume').max, 10, 'the most')),
  updateSettingsForTesting: local(x => {
    x.peer.updateSettingsForTesting([{ key: 'tested', value: true }])
    equal(x.peer.getSetting('tested'), true, 'the setting')
  }),
  getSettings: local(async x => {
    await phone.sets('all', 3)(x)
    await x.eventually('the setting', () => x.session.getSettings().some(({ key, value }) => key === 'all' && value === 3))
  }),
  getSetting: local(async x => {
    await phone.sets('single', 4)(x)
    await x.eventually('the setting', () => x.session.getSetting('single') === 4)
  }),
  async setSubscriptionSettings(x) {
    const settings = new Promise(resolve => {
      x.session.setSubscriptionSettings({
        updateOnChange: ['streams'],
        handler: settings => {
          if (settings.some(({ key }) => key === 'streams')) resolve(settings)
          return x.session.events.getRegisteredStreams()
        },
      })
    })
    await phone.sets('streams', 5)(x)
    await x.within(settings, 'the handler')
    return 'fired'
  },

  capabilities: local(async x => {
    await x.eventually('the capabilities', () => x.session.capabilities?.modelName === 'Simulated Glasses')
  }),
  getWifiStatus: local(async x => {
    await phone.bobWears('Mentra Live', { connected: true, ssid: 'home' })(x)
    await x.eventually('the status', () => x.peer.getWifiStatus()?.ssid === 'home')
  }),
  isWifiConnected: local(x => x.eventually('the answer', () => x.peer.isWifiConnected())),
  requestWifiSetup: reaches(
    x => x.peer.requestWifiSetup('to stream'),
    'show_wifi_setup',
    ({ message }) => message.reason === 'to stream',
    'bob',
  ),

  getInstructions: bug('instructions', async x => equal(await x.session.getInstructions(), null, 'the answer')),
}

const otherApps = {
  discoverAppUsers: settles(async x => {
    const { users, totalUsers } = await x.session.discoverAppUsers(x.cloud)
    equal(users.map(({ userId }) => userId).sort(), [x.annsAddress, x.bobsAddress].sort(), 'the users')
    equal(totalUsers, 2, 'their number')
  }),
  getUserCount: settles(async x => equal(await x.session.getUserCount(x.cloud), 2, 'the number')),
  isUserActive: bug('empty-domain', async x => equal(await x.session.isUserActive(x.bobsAddress), false, 'the answer')),
  broadcastToAppUsers: async x => {
    await heard(
      x,
      (x, handler) => x.peer.onAppMessage(handler),
      x => x.session.broadcastToAppUsers({ word: 'to all' }),
      e => e.payload.word === 'to all' && e.senderUserId === x.annsAddress,
    )
    return 'sent'
  },
  sendDirectMessage: settles(async x => {
    equal(await x.session.sendDirectMessage(x.bobsAddress, { word: 'to bob' }), true, 'the answer')
    equal(await x.session.sendDirectMessage('nobody@example.org', {}), false, 'the answer for somebody who is not there')
  }),
  onAppMessage: fires(
    on('onAppMessage'),
    x => x.peer.sendDirectMessage(x.annsAddress, { word: 'to ann' }),
    e => e.payload.word === 'to ann',
  ),
  // The next row shows that it is in there.
  joinAppRoom: async x => {
    await leaves(x, () => x.session.joinAppRoom('kitchen', { maxUsers: 5 }), 'app_room_join')
    return 'sent'
  },
  onAppRoomUpdated: fires(
    on('onAppRoomUpdated'),
    x => x.peer.joinAppRoom('kitchen'),
    e => e.roomId === 'kitchen' && e.updateType === 'user_joined' && e.roomData.memberCount === 2,
  ),
  leaveAppRoom: async x => {
    await heard(
      x,
      (x, handler) => x.peer.onAppRoomUpdated(handler),
      x => x.session.leaveAppRoom('kitchen'),
      e => e.updateType === 'user_left' && e.roomData.memberCount === 1,
    )
    return 'sent'
  },
}

const ending = {
  onAppUserLeft: atEnd(fires(on('onAppUserLeft'), x => x.bob.play(`stop ${x.packageName}`), e => e.userId !== undefined)),
  onAppUserJoined: atEnd(async x => {
    const mark = x.server.calls.session.mark()
    await heard(x, on('onAppUserJoined'), x => x.bob.play(`start ${x.packageName}`), e => e.userId === x.bobsAddress)
    const { session } = await x.server.calls.session.next('a session', () => true, x.left(), mark)
    x.keep('peer', session)
    return 'fired'
  }),
  // The same session once more, from another object: it takes the place of the one that the app server made.
  connect: atEnd(settles(async x => {
    const again = new x.sdk.AppSession({
      packageName: x.packageName,
      apiKey: x.apiKey,
      userId: x.bobsAddress,
      mentraOSWebsocketUrl: x.session.getServerUrl(),
      appServer: x.server,
    })
    x.keep('again', again)
    await again.connect(`${x.bobsAddress}-${x.packageName}`)
    x.watch(again)
    await x.synced(again)
  })),
  releaseOwnership: atEnd(async x => {
    await leaves(x, () => x.again.releaseOwnership('switching_clouds'), 'ownership_release', x.again)
    return 'sent'
  }),
  disconnect: atEnd(settles(async x => {
    await x.again.disconnect()
    const phase = x.version === '2.1.28' ? 'grace' : 'dormant'
    await x.eventually(`the app to be ${phase}`, async () => (await x.bob.phase(x.packageName)) === phase)
  })),
}

export const session = {
  name: 'AppSession',
  types: () => ['app/session/index.d.ts#AppSession'],
  object: x => x.session,
  data: [
    'appServer', 'audio', 'camera', 'dashboard', 'device', 'events', 'layouts', 'led', 'location', 'logger', 'settings',
    'simpleStorage', 'userId',
  ],
  rows: { ...live, ...otherApps, ...ending },
}
