// Waiting with a limit and a message.

/** How often something is asked that does not tell by itself. */
const ASK_MS = 20

/** A promise of the SDK, which may take longer than anybody wants to wait. */
export function within(promise, what, ms) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} is not settled`)), ms)
    Promise.resolve(promise).then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** Asks until the answer is yes. */
export async function eventually(what, ask, ms) {
  const until = performance.now() + ms
  while (!(await ask())) {
    if (performance.now() > until) throw new Error(`waited for ${what}`)
    await new Promise(resolve => setTimeout(resolve, ASK_MS))
  }
}
