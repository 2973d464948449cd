// The app of app.mjs once more, over the new interface of the third generation (`MiniAppServer` and `MentraSession`)
// instead of the one that it carries over (`AppServer` and `AppSession`):
//
//   SDK=sdk-3.0.0-alpha.4 bun --no-install --preload ./preload-bun.cjs mini-app.mjs
//
// Events:   those of app.mjs without those of app-to-app messages; `connected` is this SDK's `reconnected`.
// Commands: showTextWall, disconnect, mark, exit.
import { config, drive, printLine, text } from './drive.mjs'

const { MiniAppServer } = await import(process.env.SDK ?? '@mentra/sdk')

const app = new MiniAppServer(config)
const live = new Map()

app.onSession((session) => {
  const { sessionId, userId } = session
  live.set(sessionId, session)
  printLine({ event: 'session', sessionId, userId })

  session.onReconnected(() => printLine({ event: 'connected', sessionId, userId }))
  session.onDisconnected(({ code, reason, permanent }) => {
    printLine({ event: 'disconnected', sessionId, userId, code, reason, permanent })
  })
  session.onError((error) => printLine({ event: 'error', sessionId, message: text(error) }))

  session.transcription.on((data) => {
    printLine({ event: 'transcription', userId, text: data.text, isFinal: data.isFinal })
    if (data.isFinal) session.display.showTextWall(data.text.toUpperCase())
  })
  session.device.onButtonPress(({ buttonId, pressType }) => {
    printLine({ event: 'button', userId, buttonId, pressType })
    session.display.showTextWall(`pressed ${buttonId} ${pressType}`)
  })

  // The socket is open, but the cloud has not answered yet.
  session.display.showTextWall('rig ready')
})

// Which session it was is not said when the SDK does not know it any more.
app.onStop((session, reason) => {
  const { sessionId, userId } = session ?? {}
  printLine({ event: 'stop', sessionId, userId, reason })
  live.delete(sessionId)
})

/** The sessions a command is for: all of them, or those of one wearer. */
const meant = (userId) => [...live].filter(([, session]) => !userId || session.userId === userId)

await drive(app, {
  showTextWall({ text, userId }) {
    for (const [, session] of meant(userId)) session.display.showTextWall(text)
  },

  async disconnect({ how, userId }) {
    for (const [sessionId, session] of meant(userId)) {
      if (how === 'abort') {
        session.transport.ws?.terminate()
      } else {
        live.delete(sessionId)
        await session.disconnect()
      }
    }
  },
})
