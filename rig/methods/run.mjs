// Runs the rows of a module and prints a line for each. What a row may answer is the legend of docs/compatibility.md.
import { printLine } from './wire.mjs'
import { surface } from './surface.mjs'
import { notes } from './notes.mjs'

/** How long a row may take, and one whose feature is not there yet. */
const PATIENCE_MS = 10_000
const PENDING_MS = 2_000
/** How much later a row as a whole is given up. */
const GRACE_MS = 500

/** How often something is asked that does not tell by itself. */
const ASK_MS = 20

/** What a row sees: the stage, and how much time it has left. */
function context(stage, limit) {
  const until = performance.now() + limit
  return Object.assign(Object.create(stage), {
    /** Something for the rows that come after. */
    keep: (name, value) => (stage[name] = value),
    left: () => Math.max(0, until - performance.now()),
    /** A promise of the SDK, which may take longer than anybody wants to wait. */
    within(promise, what = 'the promise') {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${what} is not settled`)), this.left())
        Promise.resolve(promise).then(resolve, reject).finally(() => clearTimeout(timer))
      })
    },
    /** Asks until the answer is yes. */
    async eventually(what, ask) {
      while (!(await ask())) {
        if (this.left() === 0) throw new Error(`waited for ${what}`)
        await new Promise(resolve => setTimeout(resolve, ASK_MS))
      }
    },
  })
}

const text = error => (error instanceof Error ? error.message : String(error))

async function runRow(stage, module, method, row) {
  const limit = row.pending ? PENDING_MS : PATIENCE_MS
  const x = context(stage, limit)
  const answer = { event: 'row', module: module.name, method }
  try {
    // What a row waits for says more than that the row is late.
    const result = await context(stage, limit + GRACE_MS).within(row.run(x), 'the row')
    if (typeof result === 'object') Object.assign(answer, { result: 'SDK bug', note: result.bug, why: notes[result.bug] })
    else answer.result = result
    // It works although the table says that it cannot yet: the test will say so.
    if (row.pending) answer.early = row.pending
  } catch (error) {
    answer.result = row.pending ? `pending: ${row.pending}` : 'FAILED'
    answer.detail = text(error)
  }
  printLine(answer)
  process.stderr.write(`row: ${JSON.stringify(answer)}\n`)
}

/** The rows of a module that are run at this time (`live` or `end`), one after the other. */
export async function runModule(stage, module, when) {
  const object = module.object(stage)
  const names = object ? surface(stage.folder, module.types(stage), object) : new Set()
  const listed = new Set(module.data ?? [])
  for (const [method, entry] of Object.entries(module.rows)) {
    const row = typeof entry === 'function' ? { run: entry } : entry
    const [name] = /^[\w$]+/.exec(method)
    listed.add(name)
    if ((row.when ?? 'live') !== when) continue
    const there = object && (row.extra ? row.extra(stage) : names.has(name))
    if (there) await runRow(stage, module, method, row)
    else printLine({ event: 'row', module: module.name, method, result: '–' })
  }
  if (when === 'end') return
  const forgotten = [...names].filter(name => !listed.has(name))
  if (forgotten.length) printLine({ event: 'forgotten', module: module.name, names: forgotten })
}
