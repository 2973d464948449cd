// session.camera: photos, direct streams, and streams that the cloud manages.
import { readFileSync } from 'node:fs'
import { atEnd, check, equal, fires, local, pending } from '../checks.mjs'
import { nameOnly } from './names.mjs'

const URL = 'rtmp://127.0.0.1:1935/live'
/** What the glasses take a picture of. */
export const PHOTO = readFileSync(new globalThis.URL('../../photo.png', import.meta.url))
const managedLater = row => pending('photos', row)
// Bob's glasses have a camera.
const bobs = x => x.peer
export const isGood = status => !['error', 'stopped', 'timeout'].includes(status)

/** The stream of direct streaming: SDK 3.0.0-alpha.4 has given it another name. */
const statusStream = x => (x.version === '3.0.0-alpha.4' ? 'stream_status' : 'rtmp_stream_status')
const options = x => (x.version === '3.0.0-alpha.4' ? { streamUrl: URL } : { rtmpUrl: URL })

/** The phone is told to start or to stop a stream, and says that it has. */
export async function phoneStreams(x, word, status, mark) {
  const isIt = ({ kind }) => kind === `${word}_rtmp_stream` || kind === `${word}_stream`
  const { message } = await x.bob.seen.next(`the phone's ${word}`, isIt, x.left(), mark)
  await x.bob.send({ type: 'rtmp_stream_status', streamId: message.streamId, status, timestamp: new Date() })
}

/** A direct stream runs, begun by this method, and the cloud says so. */
async function streaming(x, start = 'startStream') {
  const { camera } = x.peer
  if (!camera.isCurrentlyStreaming()) {
    const mark = x.bob.seen.mark()
    await camera[start](options(x))
    await phoneStreams(x, 'start', 'active', mark)
  }
  await x.eventually('the status', () => camera.getStreamStatus()?.status === 'active')
  return camera
}

const starts = method => async x => {
  await streaming(x, method)
  return 'settled'
}

/** The stream is stopped by this method, and the cloud says so. */
async function stopped(x, method = 'stopStream') {
  const [{ camera }, mark] = [x.peer, x.bob.seen.mark()]
  await x.within(camera[method]())
  await phoneStreams(x, 'stop', 'stopped', mark)
  await x.eventually('the end', () => !camera.isCurrentlyStreaming())
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

const startsManaged = method => managedLater(async x => {
  const mark = x.bob.seen.mark()
  const started = x.peer.camera[method]()
  started.catch(() => {})
  await Promise.race([started, phoneStreams(x, 'start', 'active', mark)])
  const { hlsUrl, dashUrl } = await x.within(started)
  check(hlsUrl && dashUrl, 'no addresses')
  return 'settled'
})

const stopsManaged = method => managedLater(async x => {
  check(x.peer.camera.isManagedStreamActive(), 'there is no stream')
  await x.peer.camera[method]()
  await x.eventually('the end', () => !x.peer.camera.isManagedStreamActive())
  return 'settled'
})

const tellsManaged = method => managedLater(fires(
  (x, handler) => x.peer.camera[method](handler),
  x => {
    x.peer.camera.startManagedStream().catch(() => {})
  },
  e => isGood(e.status),
  bobs,
))

const whileManaged = body => managedLater(async x => {
  check(x.peer.camera.isManagedStreamActive(), 'there is no stream')
  await body(x.peer.camera)
  return 'local'
})

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
  onManagedStreamStatus: tellsManaged('onManagedStreamStatus'),
  onLivestreamStatus: tellsManaged('onLivestreamStatus'),
  startManagedStream: startsManaged('startManagedStream'),
  isManagedStreamActive: whileManaged(camera => equal(camera.isManagedStreamActive(), true)),
  getManagedStreamUrls: whileManaged(camera => check(camera.getManagedStreamUrls().hlsUrl, 'no address')),
  stopManagedStream: stopsManaged('stopManagedStream'),
  startLivestream: startsManaged('startLivestream'),
  isLivestreamActive: whileManaged(camera => equal(camera.isLivestreamActive(), true)),
  getLivestreamUrls: whileManaged(camera => check(camera.getLivestreamUrls().hlsUrl, 'no address')),
  stopLivestream: stopsManaged('stopLivestream'),
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
