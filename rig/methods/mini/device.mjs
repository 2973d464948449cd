// session.device, session.phone and session.permissions: the glasses, the phone, and what the app may know of them.
import { atEnd, check, equal, fires, heard, local, reaches } from '../checks.mjs'
import { observable, observed } from '../app/device.mjs'
import * as phone from '../happenings.mjs'

const on = method => (x, handler) => x.session.device[method](handler)

const manager = {
  name: 'session.device',
  types: () => ['session/managers/DeviceManager.d.ts#DeviceManager'],
  object: x => x.session.device,
  data: ['state'],
  rows: {
    onButtonPress: fires(
      on('onButtonPress'),
      phone.plays('press camera long'),
      e => e.buttonId === 'camera' && e.pressType === 'long',
    ),
    onHeadPosition: fires(on('onHeadPosition'), phone.plays('head up'), e => e.position === 'up'),
    onTouchEvent: fires(
      on('onTouchEvent'),
      phone.touches('double_tap'),
      e => e.gesture === 'double_tap' && e.model === 'Mentra Live',
    ),
    'onTouchEvent(gesture)': fires(
      (x, handler) => x.session.device.onTouchEvent('forward_swipe', handler),
      async x => {
        await phone.touches('single_tap')(x)
        await phone.touches('forward_swipe')(x)
      },
      e => {
        check(e.gesture !== 'single_tap', 'it got another gesture')
        return e.gesture === 'forward_swipe'
      },
    ),
    'onTouchEvent([…])': fires(
      (x, handler) => x.session.device.onTouchEvent(['up_swipe', 'down_swipe'], handler),
      phone.touches('down_swipe'),
      e => e.gesture === 'down_swipe',
    ),
    onBatteryUpdate: fires(on('onBatteryUpdate'), phone.plays('battery 55'), e => e.level === 55),
    onVpsCoordinates: fires(on('onVpsCoordinates'), phone.vps('v-1'), e => e.requestId === 'v-1'),
    onCapabilitiesChange: fires(
      on('onCapabilitiesChange'),
      async x => {
        await phone.connected('Even Realities G1')(x)
        await phone.connected('Simulated Glasses')(x)
      },
      e => e.modelName === 'Simulated Glasses' && e.hasDisplay,
    ),
    capabilities: local(x => equal(x.session.device.capabilities.modelName, 'Simulated Glasses')),
    requestWifiSetup: reaches(
      x => x.peer.device.requestWifiSetup('to stream'),
      'show_wifi_setup',
      ({ message }) => message.reason === 'to stream',
      'bob',
    ),
    handleDeviceStateUpdate: local(x => {
      x.peer.device.handleDeviceStateUpdate({ state: { hotspotSsid: 'by hand' } })
      equal(x.peer.device.state.hotspotSsid.value, 'by hand')
    }),
    handleCapabilitiesUpdate: local(x => {
      x.dashboard.device.handleCapabilitiesUpdate({ capabilities: { hasCamera: false }, modelName: 'by hand' })
      equal(x.dashboard.device.state.modelName.value, 'by hand')
    }),
    setCapabilities: local(x => {
      x.dashboard.device.setCapabilities({ hasCamera: true })
      equal(x.dashboard.device.capabilities, { hasCamera: true })
    }),
    destroy: atEnd(local(x => x.again.device.destroy())),
  },
}

const VALUES = {
  connected: true,
  modelName: 'Simulated Glasses',
  batteryLevel: 66,
  charging: true,
  caseBatteryLevel: 77,
  caseCharging: true,
  caseOpen: true,
  caseRemoved: true,
  wifiConnected: true,
  wifiSsid: 'home',
  wifiLocalIp: '192.0.2.3',
  hotspotEnabled: true,
  hotspotSsid: 'glasses',
}

const state = {
  name: 'session.device.state',
  types: () => ['session/managers/DeviceManager.d.ts#interface DeviceStateShape'],
  object: x => x.session.device.state,
  rows: Object.fromEntries(Object.entries(VALUES).map(([name, value]) => [name, observed(name, value)])),
}

const phoneManager = {
  name: 'session.phone',
  types: () => ['session/managers/PhoneManager.d.ts#PhoneManager'],
  object: x => x.session.phone,
  data: ['notifications', 'calendar'],
  rows: { destroy: atEnd(local(x => x.again.phone.destroy())) },
}

/** A flag that came with the ack: true for the app, false for the one without permissions. */
const permitted = flag => local(x => equal([flag(x.session), flag(x.dashboard)], [true, false]))

const notifications = {
  name: 'session.phone.notifications',
  types: () => ['session/managers/PhoneManager.d.ts#NotificationSubManager'],
  object: x => x.session.phone.notifications,
  rows: {
    hasPermission: permitted(session => session.phone.notifications.hasPermission),
    on: fires(
      (x, handler) => x.session.phone.notifications.on(handler),
      phone.notified('n-1'),
      e => e.notificationId === 'n-1' && e.title === 'Lunch',
    ),
    onDismissed: fires(
      (x, handler) => x.session.phone.notifications.onDismissed(handler),
      phone.dismissed('n-1'),
      e => e.notificationId === 'n-1',
    ),
  },
}

const calendar = {
  name: 'session.phone.calendar',
  types: () => ['session/managers/PhoneManager.d.ts#CalendarSubManager'],
  object: x => x.session.phone.calendar,
  rows: {
    hasPermission: permitted(session => session.phone.calendar.hasPermission),
    on: fires(
      (x, handler) => x.session.phone.calendar.on(handler),
      phone.appointment('dentist'),
      e => e.title === 'dentist' && e.start,
    ),
  },
}

const permissions = {
  name: 'session.permissions',
  types: () => ['session/managers/PermissionsManager.d.ts#PermissionsManager'],
  object: x => x.session.permissions,
  rows: {
    has: permitted(session => session.permissions.has('camera')),
    getAll: local(x => {
      const all = { location: true, microphone: true, camera: true, notifications: true, calendar: true }
      equal(x.session.permissions.getAll(), all)
    }),
    onUpdate: async x => {
      equal(x.firsts.get(x.session).permissions.entries[0].microphone, true)
      return 'fired'
    },
    onPermissionError: fires(
      (x, handler) => x.dashboard.permissions.onPermissionError(handler),
      x => {
        x.dashboard.phone.calendar.on(() => {})
      },
      e => e.deniedPermissions.includes('CALENDAR'),
      x => x.dashboard,
    ),
    onPermissionDenied: fires(
      (x, handler) => x.dashboard.permissions.onPermissionDenied(handler),
      x => {
        x.dashboard.phone.notifications.on(() => {})
      },
      e => e.permission === 'READ_NOTIFICATIONS' && e.streamType === 'phone_notification',
      x => x.dashboard,
    ),
    updateFromSettings: local(async x => {
      const register = (x, handler) => x.peer.permissions.onUpdate(handler)
      const change = () => x.peer.permissions.updateFromSettings({ permissions: { calendar: false } })
      equal((await heard(x, register, change, undefined, x.peer)).calendar, false)
    }),
  },
}

export const device = [manager, state, observable]
export const phoneModules = [phoneManager, notifications, calendar]
export { permissions }
