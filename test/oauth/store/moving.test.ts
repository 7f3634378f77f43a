import { expect, it } from 'vitest'
import { createMemoryStore } from '../../../src/oauth/store/memory-store.ts'
import { World } from '../world.ts'

it('logins move from one store to another as docs/credentials.md says, and refresh there', async () => {
  const world = new World()
  await world.session().login()
  await world.session({ profile: 'work' }).login()
  const from = world.store
  const to = createMemoryStore()

  for (const key of await from.list()) {
    const found = await from.get(key)
    if (!found || (await to.compareAndSet(key, 0, found.record)) === undefined) continue
    await from.delete(key, found.version)
  }

  expect(await from.list()).toEqual([])
  world.store = to
  world.now += 3_600_001
  for (const profile of ['default', 'work']) expect(await world.session({ profile }).accessToken()).toMatch(/./)
  expect(world.refreshes).toHaveLength(2)
  expect(world.authorizations).toHaveLength(2)
})
