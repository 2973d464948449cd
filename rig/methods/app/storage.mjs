// session.simpleStorage. What the SDK keeps for itself is no evidence, so the server is asked directly, too.
import { check, equal, settles } from '../checks.mjs'

async function request(x, method, body) {
  const response = await fetch(`${x.cloud}/api/sdk/simple-storage/${encodeURIComponent(x.annsAddress)}`, {
    method,
    headers: { authorization: `Bearer ${x.packageName}:${x.apiKey}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  })
  check(response.ok, `${method} was answered with ${response.status}`)
  return response.json()
}

/** What the server has stored, and a way around the SDK. */
export const stored = async x => (await request(x, 'GET')).data
export const store = (x, data) => request(x, 'PUT', { data })

const settled = body => settles(x => body(x, x.session.simpleStorage))

/** SDK 2.1.28 has no `flush`: it writes at once. */
const written = (storage, x) => x.within(storage.flush?.())

export const storage = {
  name: 'session.simpleStorage',
  types: () => ['app/session/modules/simple-storage.d.ts#SimpleStorage'],
  object: x => x.session.simpleStorage,
  rows: {
    get: settled(async (x, storage) => {
      // The first access loads everything, and nothing is loaded after it.
      await store(x, { first: '1', second: '2' })
      equal(await storage.get('first'), '1')
      equal(await storage.get('no such'), undefined)
    }),
    keys: settled(async (_, storage) => equal((await storage.keys()).sort(), ['first', 'second'])),
    size: settled(async (_, storage) => equal(await storage.size(), 2)),
    hasKey: settled(async (_, storage) => equal([await storage.hasKey('first'), await storage.hasKey('no such')], [true, false])),
    getAllData: settled(async (_, storage) => equal(await storage.getAllData(), { first: '1', second: '2' })),
    set: settled(async (x, storage) => {
      await storage.set('third', '3')
      await written(storage, x)
      equal((await stored(x)).third, '3')
    }),
    setMultiple: settled(async (x, storage) => {
      await storage.setMultiple({ fourth: '4', fifth: '5' })
      await written(storage, x)
      const { fourth, fifth } = await stored(x)
      equal([fourth, fifth], ['4', '5'])
    }),
    flush: settled(async (x, storage) => {
      await storage.set('flushed', 'yes')
      await storage.flush()
      equal((await stored(x)).flushed, 'yes')
    }),
    delete: settled(async (x, storage) => {
      equal(await storage.delete('first'), true)
      equal('first' in (await stored(x)), false)
    }),
    clear: settled(async (x, storage) => {
      equal(await storage.clear(), true)
      equal(await stored(x), {})
    }),
  },
}
