// The rig tested without Bifocal: the app against a fake cloud, and the gate that keeps everything on loopback.
// RIG_TRACE=1 prints every message the SDK sends.
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { App, FakeCloud } from './fake-cloud.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const PACKAGE = 'org.example.rig'
const USER = 'ann@example.org'
const SESSION = `${USER}-${PACKAGE}`
const who = { sessionId: SESSION, userId: USER }

let cloud
let app

before(async () => {
  cloud = await FakeCloud.start()
  app = await App.start(PACKAGE)
})
after(() => {
  app.child.kill()
  cloud.stop()
})

test('every file of the rig can be read by Node', () => {
  // A mistake in a file that only one stack loads would otherwise come out late, as an app that never starts.
  const files = readdirSync(here, { recursive: true }).filter((name) => /\.[mc]js$/.test(name) && !name.includes('node_modules'))
  assert.ok(files.length > 10, `${files}`)
  for (const file of files) {
    const { status, stderr } = spawnSync(process.execPath, ['--check', `${here}${file}`], { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
  }
})

test('a session starts: init, subscriptions, first frame, then the answer to the webhook', async () => {
  const answer = await cloud.webhook(app.port, { type: 'session_request', ...who })
  assert.deepEqual(answer, { status: 200, body: { status: 'success' } })

  const init = await cloud.message('tpa_connection_init')
  assert.equal(init.sessionId, SESSION)
  assert.equal(init.packageName, PACKAGE)
  assert.equal(init.apiKey.length, 64)
  const { event, ...session } = await app.event('session')
  assert.deepEqual(session, who)

  const lists = []
  for (let n = 0; n < 3; n++) lists.push((await cloud.message('subscription_update')).subscriptions)
  assert.deepEqual(lists, [[], ['transcription:en-US'], ['transcription:en-US', 'button_press']])

  const frame = await cloud.message('display_event')
  assert.deepEqual(frame.layout, { layoutType: 'text_wall', text: 'rig ready' })
  assert.equal(frame.view, 'main')
  assert.equal(frame.sessionId, '')
})

test('only the final transcription is shown, in capitals', async () => {
  for (const [text, isFinal] of [['good', false], ['good morning', true]]) {
    const data = { type: 'transcription', text, isFinal, transcribeLanguage: 'en-US', startTime: 0, endTime: 900 }
    cloud.data(SESSION, 'transcription:en-US', data)
    assert.deepEqual(await app.event('transcription'), { event: 'transcription', userId: USER, text, isFinal })
  }
  assert.equal(await cloud.shown(), 'GOOD MORNING')
})

test('a stream named differently from the subscription is not delivered', async () => {
  cloud.data(SESSION, 'transcription', { type: 'transcription', text: 'lost', isFinal: true })
  cloud.data(SESSION, 'button_press', { type: 'button_press', buttonId: 'camera', pressType: 'short' })
  await app.event('button')
  assert.equal(await cloud.shown(), 'pressed camera short')
  assert.deepEqual(app.events.entries, [])
})

test('commands: a text wall, a burst in order, an unknown one', async () => {
  app.tell({ do: 'showTextWall', text: 'hello' })
  assert.equal(await cloud.shown(), 'hello')

  app.tell({ do: 'burst', count: 20, perSecond: 500, text: 'frame' })
  for (let n = 1; n <= 20; n++) assert.equal(await cloud.shown(), `frame ${n}`)
  assert.equal((await app.event('burst')).count, 20)

  app.tell({ do: 'fly' })
  assert.equal((await app.event('error')).message, 'unknown command fly')
})

test('a lost socket comes back with the same identity and its subscriptions', async () => {
  app.tell({ do: 'disconnect', how: 'abort' })
  assert.equal((await app.event('disconnected')).code, 1006)
  assert.equal((await cloud.message('tpa_connection_init')).sessionId, SESSION)
  await app.event('connected')
  assert.deepEqual((await cloud.message('subscription_update')).subscriptions, ['transcription:en-US', 'button_press'])
})

test('a second session_request replaces the session, and says so on the old socket', async () => {
  const answer = await cloud.webhook(app.port, { type: 'session_request', ...who })
  assert.equal(answer.status, 200)
  assert.equal((await cloud.message('ownership_release')).reason, 'switching_clouds')
  await app.event('session')
  assert.equal(await cloud.shown(), 'rig ready')
})

test('a stop request ends the session with one onStop and a close without code', async () => {
  const answer = await cloud.webhook(app.port, { type: 'stop_request', ...who, reason: 'user_disabled' })
  assert.deepEqual(answer, { status: 200, body: { status: 'success' } })
  assert.equal((await app.event('stop')).reason, 'user_disabled')
  const last = cloud.sockets.length - 1
  const close = await cloud.closes.next('close', ({ socket }) => socket === last)
  assert.deepEqual(close, { socket: last, code: 1005, reason: '' })
})

test('the app leaves on request, and stdout carried nothing but events', async () => {
  assert.equal(await app.exit(), 0)
  assert.deepEqual(app.foreign, [])
  assert.deepEqual(app.events.entries, [])
  assert.equal(app.log.split('refused a connection to').length, 2, 'one refusal: the version check')
})

const attempts = {
  'net.connect': `require('net').connect(80, '192.0.2.1').on('error', done)`,
  'tls.connect': `require('tls').connect(443, 'example.invalid').on('error', done)`,
  'https.get': `require('https').get('https://example.invalid/').on('error', done)`,
  fetch: `fetch('https://example.invalid/').catch((error) => done(error.cause ?? error))`,
  'dns.lookup': `require('dns').lookup('example.invalid', done)`,
  'dns.promises.resolve': `require('dns').promises.resolve4('example.invalid').catch(done)`,
  'twice, reported once': `
    fetch('http://192.0.2.7').catch(() => fetch('http://192.0.2.7').catch((error) => done(error.cause ?? error)))
  `,
}
const attemptsOfBun = {
  WebSocket: `try { new WebSocket('ws://192.0.2.1/') } catch (error) { done(error) }`,
  ws: `try { new (require('ws').WebSocket)('ws://192.0.2.1/') } catch (error) { done(error) }`,
  axios: `require('axios').get('http://192.0.2.1/').catch(done)`,
  'Bun.connect': `Bun.connect({ hostname: '192.0.2.1', port: 80, socket: {} }).catch(done)`,
  'Bun.dns': `Bun.dns.lookup('example.invalid').catch(done)`,
  'a redirect': `
    const server = Bun.serve({ port: 0, fetch: () => Response.redirect('http://192.0.2.1/') })
    fetch(server.url).catch((error) => { server.stop(); done(error) })
  `,
  'a worker': `
    const { Worker } = require('worker_threads')
    const code = "fetch('http://192.0.2.1/').catch((error) => require('worker_threads').parentPort.postMessage({ code: error.code }))"
    const worker = new Worker(code, { eval: true })
    worker.on('message', (error) => { worker.terminate(); done(error) })
  `,
}
const runtimes = {
  Node: [process.execPath, '--require', './preload.cjs'],
  Bun: [bun(), '--no-install', '--preload', './preload-bun.cjs'],
}
for (const [name, command] of Object.entries(runtimes)) {
  for (const [door, code] of Object.entries(name === 'Bun' ? { ...attempts, ...attemptsOfBun } : attempts)) {
    test(`${name}: refused beyond loopback: ${door}`, async () => {
      const { stdout, stderr } = await run(command, `const done = (error) => printLine(error.code); ${code}`)
      assert.equal(stdout, '"ECONNREFUSED"\n')
      assert.equal(stderr.match(/rig: refused a connection to/g)?.length, 1)
    })
  }

  test(`${name}: loopback is reachable by address and by name`, async () => {
    const { port } = cloud.http.address()
    const { stdout } = await run(command, `
      fetch('http://127.0.0.1:${port}/').then((a) => fetch('http://localhost:${port}/').then((b) => printLine([a.status, b.status])))
    `)
    assert.equal(stdout, '[404,404]\n')
  })

  test(`${name}: stdout is ours, in workers too`, async () => {
    const { stdout, stderr } = await run(command, `
      const speak = "console.log('aside'); require('fs').writeSync(1, 'aside ')"
      eval(speak)
      new (require('worker_threads').Worker)(speak, { eval: true }).on('exit', () => printLine('ours'))
    `)
    assert.equal(stdout, '"ours"\n')
    assert.equal(stderr.match(/aside/g)?.length, 4)
  })
}

function run([program, ...flags], code) {
  return promisify(execFile)(program, [...flags, '--eval', code], { cwd: here, timeout: 15_000 })
}

// npm has a package with Bun for each kind of machine and installs those that may fit; the first that runs is it.
function bun() {
  const programs = readdirSync(`${here}node_modules/@oven`).map((name) => `${here}node_modules/@oven/${name}/bin/bun`)
  // Where its install script has put it, if npm has let that run.
  programs.push(`${here}node_modules/bun/bin/bun.exe`)
  const found = programs.find((program) => spawnSync(program, ['--version']).status === 0)
  assert.ok(found, `Bun is not installed: ${programs}`)
  return found
}
