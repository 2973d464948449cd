// The simulated phone of a wearer, as far as this process needs it.
import { phones, want } from './wire.mjs'

export class Phone {
  constructor(wearer) {
    this.wearer = wearer
    this.seen = phones[wearer]
  }

  /** Plays lines of the simulator's script language. */
  play(script) {
    return want({ phone: this.wearer, script })
  }

  /** Sends a message as it is. */
  send(message) {
    return want({ phone: this.wearer, message })
  }

  /** Sends so many bytes of sound. */
  sound(bytes) {
    return want({ phone: this.wearer, sound: bytes })
  }

  /** Sends sound in which the cloud's engine hears the words with these numbers. */
  speaks(words) {
    return want({ phone: this.wearer, words })
  }

  /** Calls the cloud's REST interface with the wearer's token. */
  async rest(method, path, body) {
    const { status, text } = await want({ phone: this.wearer, rest: { method, path, body } })
    if (status >= 300) throw new Error(`${method} ${path} was answered with ${status} ${text}`)
    return JSON.parse(text)
  }

  /** The phone of the session whose app this is, seen by the operator. */
  async phase(packageName) {
    const sessions = JSON.parse(await want({ admin: ['session', 'list', '--json'] }))
    const session = sessions.find(({ user }) => user.startsWith(this.wearer))
    return session?.apps.find(app => app.package === packageName)?.phase ?? 'none'
  }

  /** Waits for an event of the phone. */
  sees(x, kind, fits, from) {
    return this.seen.next(`the phone's ${kind}`, event => event.kind === kind && fits(event), x.left(), from)
  }
}
