// session.storage. What the SDK keeps for itself is no evidence, so the server is asked directly, too.
import { atEnd, equal, local, settles } from '../checks.mjs'
import { store, stored } from '../app/storage.mjs'

const settled = body => settles(x => body(x, x.session.storage))

export const storage = {
  name: 'session.storage',
  types: () => ['session/managers/StorageManager.d.ts#StorageManager'],
  object: x => x.session.storage,
  rows: {
    get: settled(async (x, storage) => {
      // The first access loads everything, and nothing is loaded after it.
      await store(x, { first: '1', second: '2' })
      equal(await storage.get('first'), '1')
      equal(await storage.get('no such'), undefined)
    }),
    keys: settled(async (_, storage) => equal((await storage.keys()).sort(), ['first', 'second'])),
    has: settled(async (_, storage) => equal([await storage.has('first'), await storage.has('no such')], [true, false])),
    getAll: settled(async (_, storage) => equal(await storage.getAll(), { first: '1', second: '2' })),
    set: settled(async (x, storage) => {
      await storage.set('third', { any: 'value' })
      await storage.flush()
      equal((await stored(x)).third, '{"any":"value"}')
    }),
    setMultiple: settled(async (x, storage) => {
      await storage.setMultiple({ fourth: '4', fifth: '5' })
      await storage.flush()
      const { fourth, fifth } = await stored(x)
      equal([fourth, fifth], ['4', '5'])
    }),
    flush: settled(async (x, storage) => {
      await storage.set('flushed', 'yes')
      await storage.flush()
      equal((await stored(x)).flushed, 'yes')
    }),
    delete: settled(async (x, storage) => {
      await storage.delete('first')
      equal('first' in (await stored(x)), false)
    }),
    clear: settled(async (x, storage) => {
      await storage.clear()
      equal(await stored(x), {})
    }),
    destroy: atEnd(local(x => x.again.storage.destroy())),
  },
}
