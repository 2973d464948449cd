// session.camera: photos, direct streams, and streams that the cloud manages.
import { atEnd, check, equal, fires, local } from '../checks.mjs'
import { PHOTO, SMALL, URL, ends, isGood, plays, whileOff } from '../app/camera.mjs'

// Bob's glasses have a camera.
const bobs = x => x.peer

const direct = camera => camera.startStream({ direct: URL, video: SMALL })

/** A direct stream runs, begun like this, and the cloud says so. */
async function streaming(x, start = direct) {
  const { camera } = x.peer
  if (!camera.isCurrentlyStreaming()) {
    await x.within(start(camera))
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
  const { camera } = x.peer
  check(camera.isCurrentlyStreaming(), 'there is no stream')
  await ends(x, () => stop(camera), () => camera.isCurrentlyStreaming())
  return 'settled'
}

/** A managed stream can be watched. */
async function watched(x) {
  const { camera } = x.peer
  if (!camera.isManagedStreamActive()) await x.within(camera.startManagedStream({ video: SMALL }))
  await x.eventually('the addresses', () => camera.getManagedStreamUrls()?.hlsUrl)
  return camera
}

const endsManaged = x => {
  const { camera } = x.peer
  return ends(x, () => camera.stopManagedStream(), () => camera.isManagedStreamActive())
}

const startsManaged = start => async x => {
  if (x.peer.camera.isManagedStreamActive()) await endsManaged(x)
  await plays(await x.within(start(x.peer.camera)))
  return 'settled'
}

const whileManaged = look => async x => {
  await look(await watched(x))
  return 'local'
}

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
    'takePhoto, the camera is off': whileOff(x => x.peer.camera.takePhoto()),
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
    startDirectStream: starts(camera => camera.startDirectStream({ rtmpUrl: URL, video: SMALL })),

    onManagedStreamStatus: fires(
      (x, handler) => x.peer.camera.onManagedStreamStatus(handler),
      async x => {
        // The direct stream of the row before.
        const { camera } = x.peer
        if (camera.isCurrentlyStreaming()) await ends(x, () => camera.stopStream(), () => camera.isCurrentlyStreaming())
        await watched(x)
      },
      e => e.status === 'active',
      bobs,
    ),
    startStream: startsManaged(camera => camera.startStream({ video: SMALL })),
    getStreamUrls: whileManaged(camera => plays(camera.getStreamUrls())),
    isManagedStreamActive: whileManaged(camera => equal(camera.isManagedStreamActive(), true)),
    getManagedStreamUrls: whileManaged(camera => plays(camera.getManagedStreamUrls())),
    getManagedStreamStatus: whileManaged(camera => equal(camera.getManagedStreamStatus().status, 'active')),
    async stopManagedStream(x) {
      await watched(x)
      await endsManaged(x)
      return 'settled'
    },
    startManagedStream: startsManaged(camera => camera.startManagedStream({ video: SMALL })),
    async checkExistingStream(x) {
      await x.synced()
      return 'settled'
    },
    destroy: atEnd(local(x => x.again.camera.destroy())),
  },
}
