// Calls every public method, and registers every event, of one SDK against a running server: the method table. The test
// crates/bifocal/tests/rig_methods.rs starts it and makes docs/compatibility.md of what it prints.
//
// drive.mjs PACKAGE API: PACKAGE is a folder of node_modules, API is `app` (AppServer and AppSession) or `mini`
// (MiniAppServer and MentraSession). Environment: CLOUD_URL, API_KEY, ANN and BOB (e-mail addresses).
//
// Out:  {"event":"table","modules":[{"name":…,"methods":[…]}]}
//       {"event":"listening","port":…,"sidePort":…}   {"event":"want","id":…, …}   {"event":"row", …}
//       {"event":"forgotten", …}   {"event":"stray","message":…}   {"event":"end"}
// In:   {"go":true}   {"done":id,"answer":…} or {"done":id,"error":…}   {"phone":"ann","kind":…, …}
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Phone } from './phone.mjs'
import { runModule } from './run.mjs'
import { printLine, ready } from './wire.mjs'

const [alias, api] = process.argv.slice(2)
const { CLOUD_URL: cloud, API_KEY: apiKey, ANN: annsAddress, BOB: bobsAddress } = process.env

const stray = error => printLine({ event: 'stray', message: error instanceof Error ? error.stack : String(error) })
process.on('uncaughtException', stray)
process.on('unhandledRejection', stray)

const folder = fileURLToPath(new URL(`../node_modules/${alias}`, import.meta.url))
const { start, begin } = await import(`./${api}/start.mjs`)
const { lanes, ending } = await import(`./${api}/table.mjs`)

const stage = {
  folder,
  version: JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')).version,
  sdk: await import(alias),
  cloud,
  apiKey,
  annsAddress,
  bobsAddress,
  packageName: 'org.example.my-methods',
  // In its name the SDKs offer the system parts of the dashboard. It has no permissions.
  sideName: 'system.augmentos.dashboard',
  ann: new Phone('ann'),
  bob: new Phone('bob'),
}

const modules = lanes.flat()
printLine({ event: 'table', modules: modules.map(({ name, rows }) => ({ name, methods: Object.keys(rows) })) })
const ports = await start(stage)
printLine({ event: 'listening', ...ports })
await ready
await begin(stage)
// Rows of a lane may depend on each other; lanes do not.
await Promise.all(lanes.map(async lane => {
  for (const module of lane) await runModule(stage, module, 'live')
}))
for (const module of ending) await runModule(stage, module, 'end')
printLine({ event: 'end' })
