// An ordinary app over the unmodified npm SDK, driven from outside: one JSON line per event on stdout, one JSON line
// per command on stdin. It is started with PACKAGE_NAME, MENTRAOS_API_KEY, PORT (0, the default: any free port; the
// `listening` event tells which) and SDK (`@mentra/sdk`, the default, or another package with an `AppServer`):
//
//   second generation   node --require ./preload.cjs app.mjs
//   third generation    bun --no-install --preload ./preload-bun.cjs app.mjs
//
// Events:   listening, session, connected (again, after a lost socket), disconnected, transcription, button, burst,
//           message, userJoined, userLeft, delivered, discovered, mark, stop, error.
// Commands: {"do":"showTextWall","text":…} {"do":"burst","count":N,"perSecond":R,"text":"frame"}
//           {"do":"requestPhoto"} {"do":"led"} {"do":"mark"} (the event `mark`, behind all that came before)
//           {"do":"broadcast","payload":…} {"do":"direct","to":…,"payload":…} {"do":"discover","domain":…}
//           {"do":"disconnect"} (as the SDK does it) {"do":"disconnect","how":"abort"} (as a network does it)
//           {"do":"exit"}. All but exit take "userId" to mean one wearer only. End of stdin is an exit, too.
import { config, drive, printLine, text } from './drive.mjs'

const { AppServer } = await import(process.env.SDK ?? '@mentra/sdk')

class RigApp extends AppServer {
  live = new Map()

  async onSession(session, sessionId, userId) {
    this.live.set(sessionId, session)
    printLine({ event: 'session', sessionId, userId })

    session.events.onConnected(() => printLine({ event: 'connected', sessionId, userId }))
    session.events.onDisconnected((info) => {
      const { code, reason, permanent } = info
      printLine({ event: 'disconnected', sessionId, userId, code, reason: String(reason ?? ''), permanent: permanent === true })
    })
    session.events.onError((error) => printLine({ event: 'error', sessionId, message: text(error) }))

    session.events.onTranscription((data) => {
      printLine({ event: 'transcription', userId, text: data.text, isFinal: data.isFinal })
      if (data.isFinal) session.layouts.showTextWall(data.text.toUpperCase())
    })
    session.events.onButtonPress(({ buttonId, pressType }) => {
      printLine({ event: 'button', userId, buttonId, pressType })
      session.layouts.showTextWall(`pressed ${buttonId} ${pressType}`)
    })

    session.onAppMessage((message) => {
      printLine({ event: 'message', userId, from: message.senderUserId, payload: message.payload })
    })
    session.onAppUserJoined((other) => printLine({ event: 'userJoined', userId, who: other.userId }))
    session.onAppUserLeft((other) => printLine({ event: 'userLeft', userId, who: other.userId }))

    session.layouts.showTextWall('rig ready')
  }

  async onStop(sessionId, userId, reason) {
    printLine({ event: 'stop', sessionId, userId, reason })
    this.live.delete(sessionId)
    await super.onStop(sessionId, userId, reason)
  }

  /** The sessions a command is for: all of them, or those of one wearer. */
  meant(userId) {
    return [...this.live].filter(([, session]) => !userId || session.userId === userId)
  }
}

const app = new RigApp(config)

const commands = {
  showTextWall({ text, userId }) {
    for (const [, session] of app.meant(userId)) session.layouts.showTextWall(text)
  },

  // Frames are due by the clock, not by the timer, so that a rate above the timer's resolution is kept.
  burst({ count, perSecond, text = 'frame', userId }) {
    const started = performance.now()
    let sent = 0
    const timer = setInterval(() => {
      const due = Math.min(count, 1 + Math.floor(((performance.now() - started) * perSecond) / 1000))
      while (sent < due) commands.showTextWall({ text: `${text} ${++sent}`, userId })
      if (sent < count) return
      clearInterval(timer)
      printLine({ event: 'burst', count })
    }, 1)
  },

  async disconnect({ how, userId }) {
    for (const [sessionId, session] of app.meant(userId)) {
      if (how === 'abort') {
        session.ws?.terminate()
      } else {
        app.live.delete(sessionId)
        await session.disconnect()
      }
    }
  },

  // What the app may not have: it has declared no CAMERA. The answer is an event of its own.
  requestPhoto({ userId }) {
    for (const [sessionId, session] of app.meant(userId)) {
      session.camera.requestPhoto().then(
        () => printLine({ event: 'photo', sessionId }),
        error => printLine({ event: 'photoFailed', sessionId, message: text(error) }),
      )
    }
  },

  led({ userId }) {
    for (const [, session] of app.meant(userId)) session.led.turnOn({ color: 'red', ontime: 100 })
  },

  // To every other wearer of the app, or to one of them.
  broadcast({ userId, payload }) {
    for (const [, session] of app.meant(userId)) session.broadcastToAppUsers(payload)
  },

  async direct({ userId, to, payload }) {
    for (const [, session] of app.meant(userId)) {
      printLine({ event: 'delivered', userId, to, success: await session.sendDirectMessage(to, payload) })
    }
  },

  async discover({ userId, domain }) {
    for (const [, session] of app.meant(userId)) {
      const found = await session.discoverAppUsers(domain)
      printLine({ event: 'discovered', userId, users: found.users.map((user) => user.userId) })
    }
  },
}

await drive(app, commands)
