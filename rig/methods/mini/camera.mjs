// session.camera: photos, direct streams, and streams that the cloud manages.
import { atEnd, check, equal, fires, local, pending } from '../checks.mjs'
import { PHOTO, isGood, phoneStreams } from '../app/camera.mjs'

const URL = 'rtmp://127.0.0.1:1935/live'
const managedLater = row => pending('photos', row)
// Bob's glasses have a camera.
const bobs = x => x.peer

const direct = camera => camera.startStream({ direct: URL })

/** A direct stream runs, begun like this, and the cloud says so. */
async function streaming(x, start = direct) {
  const { camera } = x.peer
  if (!camera.isCurrentlyStreaming()) {
    const mark = x.bob.seen.mark()
    await start(camera)
    await phoneStreams(x, 'start', 'active', mark)
  }
  await x.eventually('the status', () => camera.getStreamStatus()?.status === 'active')
  return camera
}

const whileDirect = look => async x => {
  await look(await streaming(x))
  return 'local'
}

const starts = start => async x => {
  await streaming(x, start)
  return 'settled'
}

const stops = stop => async x => {
  const [camera, mark] = [x.peer.camera, x.bob.seen.mark()]
  check(camera.isCurrentlyStreaming(), 'there is no stream')
  await x.within(stop(camera))
  await phoneStreams(x, 'stop', 'stopped', mark)
  await x.eventually('the end', () => !camera.isCurrentlyStreaming())
  return 'settled'
}

const startsManaged = start => managedLater(async x => {
  const mark = x.bob.seen.mark()
  const started = start(x.peer.camera)
  started.catch(() => {})
  await Promise.race([started, phoneStreams(x, 'start', 'active', mark)])
  const { hlsUrl, dashUrl } = await x.within(started)
  check(hlsUrl && dashUrl, 'no addresses')
  return 'settled'
})

const whileManaged = look => managedLater(async x => {
  check(x.peer.camera.isManagedStreamActive(), 'there is no stream')
  await look(x.peer.camera)
  return 'local'
})

export const camera = {
  name: 'session.camera',
  types: () => ['session/managers/CameraManager.d.ts#CameraManager'],
  object: x => x.session.camera,
  rows: {
    takePhoto: async x => {
      const { url } = await x.within(x.peer.camera.takePhoto({ size: 'small' }))
      equal(Buffer.compare(Buffer.from(await (await fetch(url)).arrayBuffer()), PHOTO), 0)
      return 'settled'
    },
    // The other app may not take photos, and learns it when it tries.
    hasPermission: async x => {
      await x.within(x.dashboard.camera.takePhoto().catch(() => {}))
      equal([x.peer.camera.hasPermission, x.dashboard.camera.hasPermission], [true, false])
      return 'local'
    },
    handlePhotoResponse: local(async x => {
      const mark = x.bob.seen.mark()
      const photo = x.peer.camera.takePhoto()
      const { requestId } = x.tap(x.peer).sent.entries.findLast(({ type }) => type === 'photo_request')
      x.peer.camera.handlePhotoResponse({ requestId, success: true, photoUrl: 'https://by.hand' })
      equal((await x.within(photo)).url, 'https://by.hand')
      // The glasses take it all the same; then the camera is free.
      await x.bob.sees(x, 'photo', () => true, mark)
    }),

    onStreamStatus: fires(
      (x, handler) => x.peer.camera.onStreamStatus(handler),
      x => streaming(x),
      e => isGood(e.status),
      bobs,
    ),
    'startStream({direct})': starts(direct),
    isCurrentlyStreaming: whileDirect(camera => equal(camera.isCurrentlyStreaming(), true)),
    getCurrentStreamUrl: whileDirect(camera => equal(camera.getCurrentStreamUrl(), URL)),
    getStreamStatus: whileDirect(camera => check(isGood(camera.getStreamStatus().status), 'a bad status')),
    stopStream: stops(camera => camera.stopStream()),
    startDirectStream: starts(camera => camera.startDirectStream({ rtmpUrl: URL })),

    onManagedStreamStatus: managedLater(fires(
      (x, handler) => x.peer.camera.onManagedStreamStatus(handler),
      x => {
        x.peer.camera.startManagedStream().catch(() => {})
      },
      e => isGood(e.status),
      bobs,
    )),
    startStream: startsManaged(camera => camera.startStream()),
    getStreamUrls: whileManaged(camera => check(camera.getStreamUrls().hlsUrl, 'no address')),
    isManagedStreamActive: whileManaged(camera => equal(camera.isManagedStreamActive(), true)),
    getManagedStreamUrls: whileManaged(camera => check(camera.getManagedStreamUrls().hlsUrl, 'no address')),
    getManagedStreamStatus: whileManaged(camera => equal(camera.getManagedStreamStatus().status, 'active')),
    stopManagedStream: stops(camera => camera.stopManagedStream()),
    startManagedStream: startsManaged(camera => camera.startManagedStream()),
    async checkExistingStream(x) {
      await x.synced()
      return 'settled'
    },
    destroy: atEnd(local(x => x.again.camera.destroy())),
  },
}
