// session.audio, and the streams that SDK 3 can play.
import { check, equal, local, settles } from '../checks.mjs'

/** A call that plays something; the phone is asked to play an address with `part` in it, and answers that it has. */
async function played(x, play, part) {
  const mark = x.ann.seen.mark()
  const result = play()
  result.catch(() => {})
  const { message } = await x.ann.sees(x, 'audio_play_request', ({ message }) => message.audioUrl.includes(part), mark)
  await x.ann.send({ type: 'audio_play_response', requestId: message.requestId, success: true, duration: 1234 })
  return x.within(result)
}

/** A request that is waiting, for as long as `look` looks: the server has no time to answer it. */
const waiting = look => local(async x => {
  const audio = x.peer.audio
  const result = audio.playAudio({ audioUrl: 'https://example.org/waiting.mp3' }).then(() => 'played', error => error)
  const [id] = audio.getPendingRequestIds()
  const expected = await look(audio, id)
  if (expected) equal(await x.within(result), expected, 'the outcome')
  else audio.cancelAllAudioRequests()
})

const CANCELLED = 'Audio request cancelled'

const manager = {
  name: 'session.audio',
  types: () => ['app/session/modules/audio.d.ts#AudioManager'],
  object: x => x.session.audio,
  rows: {
    playAudio: async x => {
      const play = () => x.session.audio.playAudio({ audioUrl: 'https://example.org/a.mp3' })
      const { success, duration } = await played(x, play, 'a.mp3')
      equal([success, duration], [true, 1234])
      return 'settled'
    },
    'playAudio({stopOtherAudio: false})': async x => {
      const mark = x.ann.seen.mark()
      const options = { audioUrl: 'https://example.org/b.mp3', stopOtherAudio: false }
      const { success } = await x.within(x.session.audio.playAudio(options))
      await x.ann.sees(x, 'audio_play_request', ({ message }) => message.audioUrl.endsWith('b.mp3'), mark)
      check(success, 'no success')
      return 'settled'
    },
    speak: async x => {
      const speak = () => x.session.audio.speak('hello', { voice_id: 'v', voice_settings: { speed: 1 } })
      const { success } = await played(x, speak, '/api/tts?text=hello')
      check(success, 'no success')
      return 'settled'
    },
    stopAudio: async x => {
      const mark = x.ann.seen.mark()
      x.session.audio.stopAudio()
      await x.ann.sees(x, 'audio_stop_request', () => true, mark)
      return 'sent'
    },
    createOutputStream: settles(async x => {
      x.keep('stream', await x.session.audio.createOutputStream({ format: 'mp3' }))
    }),
    getActiveOutputStream: local(x => {
      check(x.stream && x.session.audio.getActiveOutputStream() === x.stream, 'no stream')
    }),

    hasPendingRequest: waiting((audio, id) => {
      equal([audio.hasPendingRequest(id), audio.hasPendingRequest('other')], [true, false])
    }),
    getPendingRequestCount: waiting(audio => equal(audio.getPendingRequestCount(), 1)),
    getPendingRequestIds: waiting((audio, id) => check(id.startsWith('audio_req_'), `the id is ${id}`)),
    cancelAudioRequest: waiting((audio, id) => {
      equal([audio.cancelAudioRequest(id), audio.cancelAudioRequest(id)], [true, false])
      return CANCELLED
    }),
    cancelAllAudioRequests: waiting(audio => {
      equal(audio.cancelAllAudioRequests(), 1)
      return `${CANCELLED} due to cleanup`
    }),
    cancelAllRequests: waiting(audio => {
      equal(audio.cancelAllRequests(), { audioRequests: 1 })
      return `${CANCELLED} due to cleanup`
    }),
    handleAudioPlayResponse: local(async x => {
      const { audio } = x.peer
      const result = audio.playAudio({ audioUrl: 'https://example.org/by-hand.mp3' })
      audio.handleAudioPlayResponse({ requestId: audio.getPendingRequestIds()[0], success: true, duration: 5 })
      equal((await x.within(result)).duration, 5)
    }),
    updateSessionId: local(x => x.peer.audio.updateSessionId(x.peer.getSessionId())),
  },
}

/** Rows of the stream that `createOutputStream` gave. */
const onStream = body => async x => {
  check(x.stream, 'there is no stream')
  return body(x)
}

const stream = {
  name: 'AudioOutputStream',
  types: () => ['app/session/modules/audio-output-stream.d.ts#AudioOutputStream'],
  // Before there is one, its class is known by what makes it.
  object: x => (x.session.audio.createOutputStream ? x.stream ?? {} : undefined),
  rows: {
    streamId: onStream(x => (equal(x.stream.streamId.length, 36), 'local')),
    streamUrl: onStream(x => (check(new URL(x.stream.streamUrl), 'no address'), 'local')),
    state: onStream(x => (equal(x.stream.state, 'streaming'), 'local')),
    open: onStream(async x => {
      const again = await x.stream.open().then(() => 'opened', error => error.message)
      equal(again, 'Cannot open stream in state "streaming"')
      return 'settled'
    }),
    write: onStream(async x => {
      const body = (await x.within(fetch(x.stream.streamUrl))).body.getReader()
      x.stream.write(new Uint8Array([1, 2, 3]))
      equal([...(await x.within(body.read())).value], [1, 2, 3], 'what can be heard')
      await body.cancel()
      return 'sent'
    }),
    end: onStream(async x => {
      await x.within(x.stream.end())
      equal(x.stream.state, 'ended')
      return 'settled'
    }),
    flush: onStream(async x => {
      const another = await x.within(x.session.audio.createOutputStream())
      const mark = x.ann.seen.mark()
      await x.within(another.flush())
      await x.ann.sees(x, 'audio_stop_request', () => true, mark)
      return 'settled'
    }),
  },
}

export const audio = [manager, stream]
