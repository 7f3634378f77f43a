import { describe, expect, it } from 'vitest'
import type { CredentialStore } from '../../src/oauth/store/credential-store.ts'
import { createMemoryStore } from '../../src/oauth/store/memory-store.ts'
import { StoreError, type StoreErrorCode } from '../../src/oauth/store/store-error.ts'
import { SERVER, World } from './world.ts'

const KEY = { server: SERVER, profile: 'default' }
const CODES: readonly StoreErrorCode[] = [
  'corrupt',
  'newer_format',
  'locked',
  'unreadable',
  'unwritable',
  'insecure_permissions',
]

type Method = 'get' | 'withLock' | 'compareAndSet'

/** A world with a login whose store then fails with `code`, and what is written to it from then on. */
async function failingWorld(code: StoreErrorCode, methods: readonly Method[]) {
  const world = new World()
  const sound = createMemoryStore()
  const failure = new StoreError(code, 'the store says no', { step: 'test' })
  const fails = async (): Promise<never> => {
    throw failure
  }
  const writes: string[] = []
  let failing = false
  const chosen = <Name extends Method>(name: Name): CredentialStore[Name] =>
    failing && methods.includes(name) ? fails : sound[name]
  world.store = {
    ...sound,
    get: key => chosen('get')(key),
    withLock: (key, task, options) => chosen('withLock')(key, task, options),
    compareAndSet(key, version, record) {
      if (failing && !methods.includes('compareAndSet')) writes.push('compareAndSet')
      return chosen('compareAndSet')(key, version, record)
    },
    async delete(key, version) {
      writes.push('delete')
      return sound.delete(key, version)
    },
  }
  await world.session().login()
  const before = await sound.get(KEY)
  const sent = { authorizations: world.authorizations.length, tokens: world.tokenRequests.length }
  return {
    world,
    failure,
    writes,
    fail: () => {
      failing = true
    },
    /** The login is as it was, and nobody was asked for another. */
    async expectUntouched() {
      expect(await sound.get(KEY)).toEqual(before)
      expect(writes).toEqual([])
      expect(world.authorizations).toHaveLength(sent.authorizations)
      expect(world.tokenRequests).toHaveLength(sent.tokens)
    },
  }
}

const calls = (world: World, made = world.client()): readonly [string, () => Promise<unknown>][] => [
  ['fetch', () => made.fetch(SERVER, { method: 'POST', body: '{}' })],
  ['login', () => made.session.login()],
  ['a login by force', () => made.session.login({ force: true })],
  ['accessToken', () => made.session.accessToken()],
  ['status', () => made.session.status()],
  ['logout', () => made.session.logout()],
]

describe('a store that fails', () => {
  it.each(CODES)(
    'field L4: with %s on reading is told as that by every call; no login, nothing written',
    async code => {
      const { world, failure, fail, expectUntouched } = await failingWorld(code, ['get'])
      fail()
      for (const [name, call] of calls(world)) await expect(call(), name).rejects.toBe(failure)
      await expectUntouched()
    },
  )

  it.each(CODES)(
    'field L4: with %s after the token expired, in a session that knew it, is no login either',
    async code => {
      const { world, failure, fail, expectUntouched } = await failingWorld(code, ['get'])
      const made = world.client()
      await made.session.accessToken()
      fail()
      world.now += 3_600_001
      for (const [name, call] of calls(world, made)) await expect(call(), name).rejects.toBe(failure)
      await expectUntouched()
    },
  )

  it.each(CODES)(
    'field L4: with %s for the lock is told as that when a refresh is due, and no token is spent',
    async code => {
      const { world, failure, fail, expectUntouched } = await failingWorld(code, ['withLock'])
      const { session, fetch } = world.client()
      fail()
      world.now += 3_600_001
      await expect(fetch(SERVER, { method: 'POST', body: '{}' })).rejects.toBe(failure)
      await expect(session.accessToken()).rejects.toBe(failure)
      await expectUntouched()
    },
  )

  it.each(CODES)('field L4: with %s on writing is told as that before a refresh token is spent', async code => {
    const { world, failure, fail, expectUntouched } = await failingWorld(code, ['compareAndSet'])
    const { session, fetch } = world.client()
    fail()
    world.now += 3_600_001
    await expect(fetch(SERVER, { method: 'POST', body: '{}' })).rejects.toBe(failure)
    await expect(session.accessToken()).rejects.toBe(failure)
    await expectUntouched()
  })

  it.each(CODES)('with %s on writing is told as that before anybody is sent to a page', async code => {
    const { world, failure, fail, expectUntouched } = await failingWorld(code, ['compareAndSet'])
    const session = world.session()
    fail()
    await expect(session.login({ force: true })).rejects.toBe(failure)
    await expectUntouched()
  })

  it('field L4: a token that is known and works is used on meanwhile', async () => {
    const { world, fail } = await failingWorld('unreadable', ['get', 'withLock', 'compareAndSet'])
    const { session, fetch } = world.client()
    await session.accessToken()
    fail()
    expect((await fetch(SERVER, { method: 'POST', body: '{}' })).status).toBe(200)
  })

  it('field L4: works on once the store does', async () => {
    const { world, failure } = await failingWorld('unreadable', [])
    const session = world.session()
    const { get } = world.store
    world.store.get = () => Promise.reject(failure)
    await expect(session.accessToken()).rejects.toBe(failure)
    world.store.get = get
    expect(await session.accessToken()).toMatch(/./)
    expect(world.authorizations).toHaveLength(1)
  })
})
