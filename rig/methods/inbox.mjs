// A list that can be waited on.

export class Inbox {
  entries = []
  waiting = new Set()

  push(entry) {
    this.entries.push(entry)
    for (const check of [...this.waiting]) check()
  }

  /** How much has come until now: what `next` looks at begins here. */
  mark() {
    return this.entries.length
  }

  /** The first entry after `from` that fits, now or within `ms`. It stays: another may wait for it, too. */
  next(what, matches, ms, from = 0) {
    return new Promise((resolve, reject) => {
      const finish = (settle, value) => {
        clearTimeout(timer)
        this.waiting.delete(check)
        settle(value)
      }
      const check = () => {
        const entry = this.entries.slice(from).find(matches)
        if (entry !== undefined) finish(resolve, entry)
      }
      const late = () => finish(reject, new Error(`${what} did not come; came: ${brief(this.entries.slice(from))}`))
      const timer = setTimeout(late, ms)
      this.waiting.add(check)
      check()
    })
  }
}

function brief(entries) {
  const texts = entries.slice(-5).map(entry => JSON.stringify(entry) ?? String(entry))
  return texts.length ? texts.join(' ').slice(0, 600) : 'nothing'
}
