// session.speaker, and the streams that it plays.
import { atEnd, bug, check, equal, local } from '../checks.mjs'

/** A call that plays something; the phone is asked to play an address with `part` in it, and answers that it has. */
async function played(x, play, part) {
  const mark = x.ann.seen.mark()
  const result = play()
  result.catch(() => {})
  const { message } = await x.ann.sees(x, 'audio_play_request', ({ message }) => message.audioUrl.includes(part), mark)
  await x.ann.send({ type: 'audio_play_response', requestId: message.requestId, success: true, duration: 1234 })
  return x.within(result)
}

const manager = {
  name: 'session.speaker',
  types: () => ['session/managers/SpeakerManager.d.ts#SpeakerManager'],
  object: x => x.session.speaker,
  rows: {
    play: async x => {
      equal(await played(x, () => x.session.speaker.play({ url: 'https://example.org/a.mp3' }), 'a.mp3'), { duration: 0 })
      return 'settled'
    },
    'play({stopOtherAudio: true})': async x => {
      const play = () => x.session.speaker.play({ url: 'https://example.org/b.mp3', stopOtherAudio: true })
      equal(await played(x, play, 'b.mp3'), { duration: 1234 })
      return 'settled'
    },
    // The SDK says only `/api/tts`; the phone needs the whole address.
    speak: async x => {
      await played(x, () => x.session.speaker.speak('hello', { voiceId: 'v' }), `${x.cloud}/api/tts?text=hello`)
      return 'settled'
    },
    stop: async x => {
      const mark = x.ann.seen.mark()
      await x.session.speaker.stop()
      await x.ann.sees(x, 'audio_stop_request', () => true, mark)
      return 'settled'
    },
    createStream: async x => {
      x.keep('stream', await x.within(x.session.speaker.createStream({ format: 'mp3' })))
      return 'settled'
    },
    hasPermission: bug('always-permitted', x => equal(x.dashboard.speaker.hasPermission, true)),
    destroy: atEnd(local(x => x.again.speaker.destroy())),
  },
}

/** Rows of the stream that `createStream` gave. */
const onStream = body => async x => {
  check(x.stream, 'there is no stream')
  return body(x)
}

const stream = {
  name: 'AudioOutputStream',
  types: () => ['session/managers/SpeakerManager.d.ts#interface AudioOutputStream'],
  object: x => x.stream ?? {},
  rows: {
    id: onStream(x => (equal(x.stream.id.length, 36), 'local')),
    state: onStream(x => (equal(x.stream.state, 'streaming'), 'local')),
    write: onStream(async x => {
      const isIts = ({ message }) => message.requestId === `stream_${x.stream.id}`
      const { message } = await x.ann.sees(x, 'audio_play_request', isIts, 0)
      const body = (await x.within(fetch(message.audioUrl))).body.getReader()
      x.stream.write(new Uint8Array([1, 2, 3]))
      equal([...(await x.within(body.read())).value], [1, 2, 3], 'what can be heard')
      await body.cancel()
      return 'sent'
    }),
    onStateChange: onStream(x => {
      const states = []
      x.stream.onStateChange(state => states.push(state))
      x.keep('states', states)
      return 'fired'
    }),
    end: onStream(async x => {
      await x.within(x.stream.end())
      equal(x.states, ['ending', 'ended'])
      return 'settled'
    }),
    flush: onStream(async x => {
      const another = await x.within(x.session.speaker.createStream())
      const mark = x.ann.seen.mark()
      another.flush()
      await x.ann.sees(x, 'audio_stop_request', () => true, mark)
      return 'sent'
    }),
  },
}

export const speaker = [manager, stream]
