// What happens to a wearer: each is a function of the context that lets the simulated phone do it.

export const plays = (script, who = 'ann') => x => x[who].play(script)
export const says = (text, who) => plays(`say ${text}`, who)

const sends = message => x => x.ann.send(typeof message === 'function' ? message() : message)
const now = () => new Date().toISOString()

export const touches = gesture =>
  sends(() => ({ type: 'touch_event', device_model: 'Mentra Live', gesture_name: gesture, timestamp: Date.now() }))

const mail = id => ({ notificationId: id, app: 'Mail', title: 'Lunch', content: 'At noon?' })

export const notified = id =>
  sends({ ...mail(id), type: 'phone_notification', priority: 'normal' })

export const dismissed = id =>
  sends({ ...mail(id), type: 'phone_notification_dismissed', notificationKey: `k-${id}` })

export const phoneBattery = level => sends({ type: 'phone_battery_update', level, charging: true, timeRemaining: 90 })

export const voice = status => sends({ type: 'VAD', status })

/** Sound that says nothing. Afterwards it is quiet: what the phone recognises itself counts again. */
export const sound = bytes => async x => {
  await x.ann.sound(bytes)
  await voice(false)(x)
}

/** Sound in which the cloud's engine hears the words w1, w2 … with these numbers. */
export const speaks = (words, who = 'ann') => async x => {
  await x[who].speaks(words)
  await x[who].send({ type: 'VAD', status: false })
}

const fix = (lat, lng, rest) => ({ type: 'location_update', lat, lng, accuracy: 5, timestamp: now(), ...rest })

export const at = (lat, lng) => sends(() => fix(lat, lng))

/** Bob's phone answers where it is. */
export const answersWithPlace = (lat, lng, correlationId) => x => x.bob.send(fix(lat, lng, { correlationId }))

export const appointment = title =>
  sends({
    type: 'calendar_event',
    eventId: `e-${title}`,
    title,
    dtStart: '2026-01-02T03:00:00.000Z',
    dtEnd: '2026-01-02T04:00:00.000Z',
    timezone: 'Europe/Berlin',
    timeStamp: '2026-01-01T00:00:00.000Z',
  })

export const vps = id =>
  sends({
    type: 'vps_coordinates', deviceModel: 'test', requestId: id, x: 1, y: 2, z: 3, qx: 0, qy: 0, qz: 0, qw: 1, confidence: 0.5,
  })

export const photoTaken = filename =>
  sends(() => ({ type: 'photo_taken', photoData: 'cGhvdG8=', mimeType: 'image/jpeg', filename, timestamp: now() }))

const glasses = (modelName, wifi) =>
  ({ type: 'glasses_connection_state', modelName, status: 'CONNECTED', wifi, timestamp: now() })

/** Glasses of this model are there. */
export const connected = modelName => sends(() => glasses(modelName))

/**
 * Bob wears glasses with a camera, lights and Wi-Fi, but no display; Ann's simulated ones have a display and nothing else.
 * The server asks nothing of glasses that they cannot do.
 */
export const bobWears = (modelName, wifi) => x => x.bob.send(glasses(modelName, wifi))

/** The state of the glasses, as phones report it. */
export const reports = state => x => x.ann.rest('POST', '/api/client/device/state', state)

let change = Promise.resolve()

/** The wearer changes a setting of the app, on the phone: one after the other, as people do. */
export const sets = (key, value) => x => {
  change = change.catch(() => {}).then(() => x.ann.rest('POST', `/appsettings/${x.packageName}`, { key, value }))
  return change
}

/** The wearer changes a setting of the system, on the phone. */
export const setsSystem = (key, value) => x => x.ann.rest('POST', '/api/client/user/settings', { settings: { [key]: value } })

/** The phone tells the time; its token, which only the test knows, stands in the body. */
export const clock = datetime => x => x.ann.rest('POST', '/api/user-data/set-datetime', { coreToken: 'token', datetime })
