// session.events: every event, made by the simulated phone.
import { atEnd, bug, check, equal, fires, heard, local } from '../checks.mjs'
import * as phone from '../happenings.mjs'

const on = method => (x, handler) => x.session.events[method](handler)

/** The app without permissions asks for something that needs one. It is told once about each. */
const asksFor = method => x => {
  x.dashboard.events[method](() => {})
}

/** The socket of bob's app is cut; the SDK comes back by itself. */
const cut = x => {
  const gone = new Promise(resolve => x.peer.events.onDisconnected(resolve))
  x.keep('back', new Promise(resolve => x.peer.events.onConnected(resolve)))
  x.peer.ws.terminate()
  return gone
}

export const events = {
  name: 'session.events',
  types: () => ['app/session/events.d.ts#EventManager'],
  object: x => x.session.events,
  rows: {
    onTranscription: fires(on('onTranscription'), phone.says('one two three'), e => e.text === 'one two three' && e.isFinal),
    onTranscriptionForLanguage: fires(
      (x, handler) => x.session.events.onTranscriptionForLanguage('en-US', handler),
      phone.says('in english'),
      e => e.text === 'in english',
    ),
    'onTranscriptionForLanguage(…, options)': fires(
      (x, handler) => {
        // SDK 2.1.28 knows the first option only, as a value.
        const options = x.version === '2.1.28' || { disableLanguageIdentification: true, hints: ['fr', 'de'] }
        return x.session.events.onTranscriptionForLanguage('en-US', handler, options)
      },
      phone.says('with options'),
      e => e.text === 'with options',
    ),
    ontranslationForLanguage: fires(
      (x, handler) => x.session.events.ontranslationForLanguage('en-US', 'fr-FR', handler),
      phone.speaks([1, 2]),
      e => e.text === 'fr-FR:w1 fr-FR:w2' && e.originalText === 'w1 w2' && e.isFinal,
    ),
    onHeadPosition: fires(on('onHeadPosition'), phone.plays('head up'), e => e.position === 'up'),
    onButtonPress: fires(
      on('onButtonPress'),
      phone.plays('press camera long'),
      e => e.buttonId === 'camera' && e.pressType === 'long',
    ),
    onTouchEvent: fires(on('onTouchEvent'), phone.touches('double_tap'), e => e.gesture_name === 'double_tap'),
    'onTouchEvent(gesture)': fires(
      (x, handler) => x.session.events.onTouchEvent('forward_swipe', handler),
      async x => {
        await phone.touches('single_tap')(x)
        await phone.touches('forward_swipe')(x)
      },
      e => {
        check(e.gesture_name !== 'single_tap', 'it got another gesture')
        return e.gesture_name === 'forward_swipe'
      },
    ),
    onPhoneNotifications: fires(
      on('onPhoneNotifications'),
      phone.notified('n-1'),
      e => e.notificationId === 'n-1' && e.title === 'Lunch',
    ),
    onPhoneNotificationDismissed: fires(
      on('onPhoneNotificationDismissed'),
      phone.dismissed('n-1'),
      e => e.notificationId === 'n-1',
    ),
    onGlassesBattery: fires(on('onGlassesBattery'), phone.plays('battery 55'), e => e.level === 55),
    onPhoneBattery: fires(on('onPhoneBattery'), phone.phoneBattery(44), e => e.level === 44 && e.charging === true),
    onVoiceActivity: fires(on('onVoiceActivity'), phone.voice(true), e => e.status === true),
    onLocation: fires(on('onLocation'), phone.at(48.1, 11.5), e => e.lat === 48.1 && e.lng === 11.5),
    onCalendarEvent: fires(on('onCalendarEvent'), phone.appointment('dentist'), e => e.title === 'dentist'),
    onAudioChunk: fires(on('onAudioChunk'), phone.sound(640), e => e.arrayBuffer.byteLength === 640),
    onVpsCoordinates: fires(on('onVpsCoordinates'), phone.vps('v-1'), e => e.requestId === 'v-1'),
    onPhotoTaken: fires(on('onPhotoTaken'), phone.photoTaken('p-1.jpg'), e => e.filename === 'p-1.jpg'),
    on: fires(
      (x, handler) => x.session.events.on('button_press', handler),
      phone.plays('press main'),
      e => e.buttonId === 'main',
    ),

    onError: fires(
      on('onError'),
      x => x.session.sendMessage({ type: 'display_event', packageName: x.packageName, layout: {} }),
      e => /display_event|layout/i.test(e.message),
    ),
    onPermissionError: fires(
      (x, handler) => x.dashboard.events.onPermissionError(handler),
      asksFor('onCalendarEvent'),
      e => e.details.some(({ stream, requiredPermission }) => stream === 'calendar_event' && requiredPermission === 'CALENDAR'),
      x => x.dashboard,
    ),
    onPermissionDenied: fires(
      (x, handler) => x.dashboard.events.onPermissionDenied(handler),
      asksFor('onPhoneNotifications'),
      e => e.stream === 'phone_notification' && e.requiredPermission === 'READ_NOTIFICATIONS',
      x => x.dashboard,
    ),
    onSettingsUpdate: fires(on('onSettingsUpdate'), phone.sets('update', 1), e => e.some(({ key }) => key === 'update')),
    onSettingChange: fires(
      (x, handler) => x.session.events.onSettingChange('change', handler),
      phone.sets('change', 2),
      ([value]) => value === 2,
    ),
    onCapabilitiesUpdate: fires(
      on('onCapabilitiesUpdate'),
      async x => {
        await phone.connected('Even Realities G1')(x)
        await phone.connected('Simulated Glasses')(x)
      },
      e => e.modelName === 'Simulated Glasses' && e.capabilities.hasDisplay,
    ),
    onDashboardModeChange: fires(
      on('onDashboardModeChange'),
      x => {
        x.dashboard.dashboard.system.setViewMode('expanded')
        x.dashboard.dashboard.system.setViewMode('main')
      },
      e => e.mode === 'main',
    ),
    onDashboardAlwaysOnChange: bug('always-on', async x => {
      let called = false
      const off = x.session.events.onDashboardAlwaysOnChange(() => (called = true))
      x.session.handleMessage({ type: 'dashboard_always_on_changed', enabled: true })
      off()
      equal(called, false, 'the handler being called')
    }),
    // The system dashboard is told the time without asking, another app when it listens to the stream.
    onCustomMessage: fires(
      (x, handler) => x.dashboard.events.onCustomMessage('update_datetime', handler),
      phone.clock('2026-01-02T03:04:05.000Z'),
      e => e.datetime === '2026-01-02T03:04:05.000Z',
      x => x.dashboard,
    ),
    'onCustomMessage, with on("custom_message")': fires(
      (x, handler) => {
        const { events } = x.session
        const offs = [events.onCustomMessage('update_datetime', handler), events.on('custom_message', () => {})]
        return () => offs.forEach(off => off())
      },
      phone.clock('2026-02-03T04:05:06.000Z'),
      e => e.datetime === '2026-02-03T04:05:06.000Z',
    ),

    getRegisteredStreams: local(x => {
      const off = x.session.events.on('core_status_update', () => {})
      check(x.session.events.getRegisteredStreams().includes('core_status_update'), 'the stream is missing')
      off()
      check(!x.session.events.getRegisteredStreams().includes('core_status_update'), 'the stream is still there')
    }),
    findMatchingStream: local(x => {
      const off = x.session.events.on('transcription:de-DE?hints=fr', () => {})
      equal(x.session.events.findMatchingStream('transcription:de-DE'), 'transcription:de-DE?hints=fr', 'the stream')
      off()
    }),
    emit: local(async x => {
      const emit = () => x.session.events.emit('dashboard_always_on_change', { enabled: true })
      equal(await heard(x, on('onDashboardAlwaysOnChange'), emit), { enabled: true }, 'the event')
    }),

    onDisconnected: atEnd(async x => {
      equal((await x.within(cut(x))).code, 1006, 'the code')
      return 'fired'
    }),
    onConnected: atEnd(async x => {
      await x.within(x.back)
      x.watchAgain(x.peer)
      return 'fired'
    }),
  },
}
