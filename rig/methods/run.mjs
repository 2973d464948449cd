// Runs the rows of a module and prints a line for each. What a row may answer is the legend of docs/compatibility.md.
import { notes } from './notes.mjs'
import { surface } from './surface.mjs'
import { eventually, within } from './wait.mjs'
import { printLine } from './wire.mjs'

/** How long a row may take, and one whose feature is not there yet. */
const PATIENCE_MS = 10_000
const PENDING_MS = 2_000
/** How much later a row as a whole is given up. */
const GRACE_MS = 500

/** What a row sees: the stage, and how much time it has left. */
function context(stage, limit) {
  const until = performance.now() + limit
  const left = () => Math.max(0, until - performance.now())
  return Object.assign(Object.create(stage), {
    left,
    /** Something for the rows that come after. */
    keep: (name, value) => (stage[name] = value),
    within: (promise, what = 'the promise') => within(promise, what, left()),
    eventually: (what, ask) => eventually(what, ask, left()),
  })
}

const text = error => (error instanceof Error ? error.message : String(error))

async function runRow(stage, module, method, row) {
  const limit = row.pending ? PENDING_MS : PATIENCE_MS
  const x = context(stage, limit)
  const answer = { event: 'row', module: module.name, method }
  try {
    // What a row waits for says more than that the row is late.
    const result = await within(row.run(x), 'the row', limit + GRACE_MS)
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
