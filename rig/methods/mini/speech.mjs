// session.transcription, session.translation and session.mic: what is heard.
import { bug, check, equal, fires, heard, leaves, local } from '../checks.mjs'
import * as phone from '../happenings.mjs'

/** `stop` takes what was registered out of the list; it is Bob's, so that nobody else's is stopped. */
const stops = (register, stop, stream) => async x => {
  register(x.peer)
  await x.synced(x.peer)
  const update = await leaves(x, () => stop(x.peer), 'subscription_update', x.peer)
  check(!update.subscriptions.includes(stream), 'it is still in the list')
  return 'sent'
}

const nothing = () => {}

const transcription = {
  name: 'session.transcription',
  types: () => ['session/managers/TranscriptionManager.d.ts#TranscriptionManager'],
  object: x => x.session.transcription,
  rows: {
    on: fires(
      (x, handler) => x.session.transcription.on(handler),
      phone.says('any language'),
      e => e.text === 'any language' && e.isFinal,
    ),
    forLanguage: fires(
      (x, handler) => x.session.transcription.forLanguage('en-US', handler),
      phone.says('in english'),
      e => e.text === 'in english' && e.language === 'en-US',
    ),
    'forLanguage("en")': fires(
      (x, handler) => x.session.transcription.forLanguage('en', handler),
      phone.says('short'),
      e => e.text === 'short',
    ),
    'forLanguage([…])': fires(
      (x, handler) => x.session.transcription.forLanguage(['de-DE', 'en-US'], handler),
      phone.says('one of two'),
      e => e.text === 'one of two',
    ),
    async configure(x) {
      const configure = () => x.peer.transcription.configure({ languageHints: ['en'] })
      const message = await leaves(x, configure, 'transcription_config', x.peer)
      equal(message.languageHints, ['en'])
      return 'sent'
    },
    config: local(x => equal(x.peer.transcription.config.languageHints, ['en'])),
    active: local(x => {
      const before = x.peer.transcription.active
      const off = x.peer.transcription.on(nothing)
      equal([before, x.peer.transcription.active], [false, true])
      off()
    }),
    stop: stops(peer => peer.transcription.on(nothing), peer => peer.transcription.stop(), 'transcription:auto'),
  },
}

const translation = {
  name: 'session.translation',
  types: () => ['session/managers/TranslationManager.d.ts#TranslationManager'],
  object: x => x.session.translation,
  rows: {
    to: fires(
      (x, handler) => x.session.translation.to('es', handler),
      phone.speaks([1, 2]),
      e => e.text === 'es:w1 es:w2' && e.isFinal,
    ),
    fromTo: fires(
      (x, handler) => x.session.translation.fromTo('en-US', 'fr-FR', handler),
      phone.speaks([3]),
      e => e.text === 'fr-FR:w3' && e.originalText === 'w3' && e.targetLanguage === 'fr-FR',
    ),
    on: fires(
      (x, handler) => {
        const offs = [x.session.translation.on(handler), x.session.translation.to('de', nothing)]
        return () => offs.forEach(off => off())
      },
      phone.speaks([4]),
      e => e.text === 'de:w4' && e.targetLanguage === 'de',
    ),
    active: local(x => {
      const off = x.peer.translation.to('es', nothing)
      equal(x.peer.translation.active, true)
      off()
      equal(x.peer.translation.active, false)
    }),
    stop: stops(peer => peer.translation.to('es', nothing), peer => peer.translation.stop(), 'translation:auto-es'),
  },
}

const mic = {
  name: 'session.mic',
  types: () => ['session/managers/MicManager.d.ts#MicManager'],
  object: x => x.session.mic,
  rows: {
    onChunk: fires((x, handler) => x.session.mic.onChunk(handler), phone.sound(640), e => e.data.byteLength === 640),
    onVoiceActivity: fires((x, handler) => x.session.mic.onVoiceActivity(handler), phone.voice(true), e => e.isSpeaking === true),
    isSpeaking: async x => {
      await heard(x, (x, handler) => x.session.mic.onVoiceActivity(handler), phone.voice(false), e => e.isSpeaking === false)
      equal(x.session.mic.isSpeaking, false)
      return 'local'
    },
    isActive: local(x => {
      const off = x.peer.mic.onChunk(nothing)
      equal(x.peer.mic.isActive, true)
      off()
      equal(x.peer.mic.isActive, false)
    }),
    hasPermission: bug('always-permitted', x => equal(x.dashboard.mic.hasPermission, true)),
    async stop(x) {
      // It listens to something else, too: the first empty list of an app does not count.
      const off = x.peer.camera.onStreamStatus(nothing)
      const mark = x.bob.seen.mark()
      await stops(peer => peer.mic.onChunk(nothing), peer => peer.mic.stop(), 'audio_chunk')(x)
      // Nobody wants to hear any more, and after a while the phone is told so.
      await x.bob.sees(x, 'microphone_state_change', ({ message }) => message.isMicrophoneEnabled === false, mark)
      off()
      return 'sent'
    },
    handleBinaryAudio: local(async x => {
      const register = (x, handler) => x.peer.mic.onChunk(handler)
      const chunk = await heard(x, register, () => x.peer.mic.handleBinaryAudio(new ArrayBuffer(2)), undefined, x.peer)
      equal(chunk.data.byteLength, 2)
    }),
  },
}

export const speech = [transcription, translation, mic]
