// session.camera: photos, direct streams, and streams that the cloud manages.
import { readFileSync } from 'node:fs'
import { atEnd, check, equal, extra, fires, local } from '../checks.mjs'
import { nameOnly } from './names.mjs'

/** Where direct streams go: a media server that the test has started. */
export const URL = process.env.RTMP_URL
/** Streams are real, made by ffmpeg, so that they are small. */
export const SMALL = { width: 160, height: 120, frameRate: 5, bitrate: 100_000 }
/** What the glasses take a picture of. */
export const PHOTO = readFileSync(new globalThis.URL('../../photo.png', import.meta.url))
// Bob's glasses have a camera.
const bobs = x => x.peer
export const isGood = status => !['error', 'stopped', 'timeout'].includes(status)

/** The stream of direct streaming: SDK 3.0.0-alpha.4 has given it another name. */
const statusStream = x => (x.version === '3.0.0-alpha.4' ? 'stream_status' : 'rtmp_stream_status')
const options = x => ({ video: SMALL, ...(x.version === '3.0.0-alpha.4' ? { streamUrl: URL } : { rtmpUrl: URL }) })

/** Does something that ends a stream; waits until the SDK knows, and the cloud has heard it of the glasses. */
export async function ends(x, stop, streams) {
  const { camera } = x.peer
  await x.within(stop())
  await x.eventually('the end', () => !streams())
  await x.eventually('the camera to be free', async () => !(await camera.checkExistingStream()).hasActiveStream)
}

/** What a request is refused with: these words, at once. */
export const refuses = (request, words) => async x => {
  const outcome = await x.within(request(x).then(() => 'settled', error => String(error?.message ?? error)))
  check(words.test(outcome), `the outcome is ${outcome}`)
  return 'settled'
}

/** A photo while the camera does not work. */
export const whileOff = request => extra(async x => {
  await x.bob.play('camera off')
  try {
    return await refuses(request, /the camera is off/)(x)
  } finally {
    await x.bob.play('camera on')
  }
})

/** A direct stream runs, begun by this method, and the cloud says so. */
async function streaming(x, start = 'startStream') {
  const { camera } = x.peer
  if (!camera.isCurrentlyStreaming()) {
    await x.within(camera[start](options(x)))
  }
  await x.eventually('the status', () => camera.getStreamStatus()?.status === 'active')
  return camera
}

const starts = method => async x => {
  await streaming(x, method)
  return 'settled'
}

/** The stream is stopped by this method, and the cloud says so. */
function stopped(x, method = 'stopStream') {
  const { camera } = x.peer
  return ends(x, () => camera[method](), () => camera.isCurrentlyStreaming())
}

const stops = method => async x => {
  await streaming(x)
  await stopped(x, method)
  return 'settled'
}

// What is told is how a stream begins.
const tells = method => fires(
  (x, handler) => x.peer.camera[method](handler),
  async x => {
    if (x.peer.camera.isCurrentlyStreaming()) await stopped(x)
    await streaming(x)
  },
  e => isGood(e.status),
  bobs,
)

/** A managed stream can be watched, begun by this method. */
async function watched(x, start = 'startManagedStream') {
  const { camera } = x.peer
  if (!camera.isManagedStreamActive()) await x.within(camera[start]({ video: SMALL }))
  await x.eventually('the addresses', () => camera.getManagedStreamUrls()?.hlsUrl)
  return camera
}

const endsManaged = (x, method) => {
  const { camera } = x.peer
  return ends(x, () => camera[method](), () => camera.isManagedStreamActive())
}

/** What the app was given plays: it is the playlist of a stream. */
export async function plays({ hlsUrl, dashUrl }) {
  check(hlsUrl && dashUrl, 'no addresses')
  const playlist = await (await fetch(hlsUrl)).text()
  check(playlist.startsWith('#EXTM3U'), `no playlist: ${playlist.slice(0, 40)}`)
}

const startsManaged = (method, stop) => async x => {
  if (x.peer.camera.isManagedStreamActive()) await endsManaged(x, stop)
  await plays(await x.within(x.peer.camera[method]({ video: SMALL })))
  return 'settled'
}

const stopsManaged = (method, start) => async x => {
  await watched(x, start)
  await endsManaged(x, method)
  return 'settled'
}

const tellsManaged = (method, start, stop) => fires(
  (x, handler) => x.peer.camera[method](handler),
  async x => {
    if (x.peer.camera.isManagedStreamActive()) await endsManaged(x, stop)
    await watched(x, start)
  },
  e => e.status === 'active',
  bobs,
)

const whileManaged = body => async x => {
  await body(await watched(x))
  return 'local'
}

/** A photo request of bob's app that waits, for as long as `look` looks. */
const waiting = look => local(async x => {
  const [{ camera }, mark] = [x.peer, x.bob.seen.mark()]
  const result = camera.requestPhoto().then(() => 'photo', error => String(error?.message ?? error))
  const { requestId } = x.tap(x.peer).sent.entries.findLast(({ type }) => type === 'photo_request')
  const expected = await look(camera, requestId)
  if (expected) equal(await x.within(result), expected, 'the outcome')
  else camera.cancelPhotoRequest(requestId)
  // The glasses take it all the same; then the camera is free.
  await x.bob.sees(x, 'photo', () => true, mark)
})

const photo = {
  requestPhoto: async x => {
    const { buffer, mimeType } = await x.within(x.peer.camera.requestPhoto({ size: 'small' }))
    equal([Buffer.compare(Buffer.from(buffer), PHOTO), mimeType], [0, 'image/png'])
    return 'settled'
  },
  'requestPhoto, the camera is off': whileOff(x => x.peer.camera.requestPhoto()),
  'requestPhoto({customWebhookUrl})': async x => {
    const mark = x.bob.seen.mark()
    await x.within(x.peer.camera.requestPhoto({ customWebhookUrl: `http://127.0.0.1:${x.port}/elsewhere` }))
    await x.bob.sees(x, 'photo', () => true, mark)
    return 'settled'
  },
  hasPhotoPendingRequest: waiting((camera, id) => {
    equal([camera.hasPhotoPendingRequest(id), camera.hasPhotoPendingRequest('other')], [true, false])
  }),
  cancelPhotoRequest: waiting((camera, id) => {
    equal([camera.cancelPhotoRequest(id), camera.cancelPhotoRequest(id)], [true, false])
    return 'Photo request cancelled'
  }),
  getPhotoPendingRequestCount: waiting(camera => check(camera.getPhotoPendingRequestCount() > 0, 'none')),
  getPhotoPendingRequestIds: waiting((camera, id) => check(camera.getPhotoPendingRequestIds().includes(id), 'it is missing')),
  handlePhotoReceived: waiting((camera, requestId) => {
    camera.handlePhotoReceived({ requestId, buffer: Buffer.from('by hand') })
    return 'photo'
  }),
  handlePhotoError: waiting((camera, requestId) => {
    camera.handlePhotoError({ requestId, success: false, error: { code: 'CAMERA_BUSY', message: 'later' } })
    return 'CAMERA_BUSY: later'
  }),
  // Where the server keeps them, the camera has none.
  cancelAllPhotoRequests: local(x => {
    const count = x.peer.camera.getPhotoPendingRequestCount?.() ?? 0
    equal(x.peer.camera.cancelAllPhotoRequests(), count)
  }),
  setFov: async x => {
    const mark = x.bob.seen.mark()
    await x.peer.camera.setFov({ fov: 100, roiPosition: 'top' })
    await x.bob.sees(x, 'camera_fov_set', () => true, mark)
    return 'sent'
  },
}

const direct = {
  onStreamStatus: tells('onStreamStatus'),
  onLocalLivestreamStatus: tells('onLocalLivestreamStatus'),
  startStream: starts('startStream'),
  isCurrentlyStreaming: async x => (equal((await streaming(x)).isCurrentlyStreaming(), true), 'local'),
  getCurrentStreamUrl: async x => (equal((await streaming(x)).getCurrentStreamUrl(), URL), 'local'),
  getStreamStatus: async x => (check(isGood((await streaming(x)).getStreamStatus().status), 'a bad status'), 'local'),
  'startManagedStream while a direct stream runs': extra(async x => {
    await streaming(x)
    return refuses(x => x.peer.camera.startManagedStream(), /STREAM_CONFLICT/)(x)
  }),
  stopStream: stops('stopStream'),
  startLocalLivestream: starts('startLocalLivestream'),
  stopLocalLivestream: stops('stopLocalLivestream'),
  subscribeToStreamStatusUpdates: nameOnly(x => x.peer.camera.subscribeToStreamStatusUpdates(), statusStream, true, bobs),
  unsubscribeFromStreamStatusUpdates: async x => {
    const off = x.peer.on(statusStream(x), () => {})
    const answer = await nameOnly(x => x.peer.camera.unsubscribeFromStreamStatusUpdates(), statusStream, false, bobs)(x)
    off()
    return answer
  },
  updateStreamState: local(x => {
    x.peer.camera.updateStreamState({ type: statusStream(x), streamId: 'by hand', status: 'stopped' })
    equal(x.peer.camera.getStreamStatus().streamId, 'by hand')
  }),
}

const ACTIVE = { type: 'managed_stream_status', status: 'active', streamId: 'by hand', hlsUrl: 'https://h', dashUrl: 'https://d' }

const managed = {
  onManagedStreamStatus: tellsManaged('onManagedStreamStatus', 'startManagedStream', 'stopManagedStream'),
  onLivestreamStatus: tellsManaged('onLivestreamStatus', 'startLivestream', 'stopLivestream'),
  startManagedStream: startsManaged('startManagedStream', 'stopManagedStream'),
  isManagedStreamActive: whileManaged(camera => equal(camera.isManagedStreamActive(), true)),
  getManagedStreamUrls: whileManaged(camera => plays(camera.getManagedStreamUrls())),
  stopManagedStream: stopsManaged('stopManagedStream', 'startManagedStream'),
  startLivestream: startsManaged('startLivestream', 'stopLivestream'),
  isLivestreamActive: whileManaged(camera => equal(camera.isLivestreamActive(), true)),
  getLivestreamUrls: whileManaged(camera => plays(camera.getLivestreamUrls())),
  stopLivestream: stopsManaged('stopLivestream', 'startLivestream'),
  checkExistingStream: async x => {
    await x.synced()
    return 'settled'
  },
  handleManagedStreamStatus: local(x => {
    x.peer.camera.handleManagedStreamStatus(ACTIVE)
    equal(x.peer.camera.getManagedStreamUrls().hlsUrl, 'https://h')
    x.peer.camera.handleManagedStreamStatus({ ...ACTIVE, status: 'stopped' })
    equal(x.peer.camera.getManagedStreamUrls(), undefined)
  }),
  handleStreamCheckResponse: atEnd(local(async x => {
    const answer = x.peer.camera.checkExistingStream()
    x.peer.camera.handleStreamCheckResponse({ hasActiveStream: true })
    equal((await x.within(answer)).hasActiveStream, true)
  })),
}

export const camera = {
  name: 'session.camera',
  types: () => ['app/session/modules/camera.d.ts#CameraModule'],
  object: x => x.session.camera,
  rows: {
    ...photo,
    ...direct,
    ...managed,
    updateSessionId: local(x => x.peer.camera.updateSessionId(x.peer.getSessionId())),
    cancelAllRequests: local(x => equal(x.peer.camera.cancelAllRequests(), { photoRequests: 0 })),
  },
}
