import { afterEach, describe, expect, it } from 'vitest'
import { authorizationCode, createOAuthSession, type OAuthEvent, type OAuthSession } from '../../src/oauth.ts'
import type { CredentialStore } from '../../src/oauth/store/credential-store.ts'
import { createRedisStore } from '../../src/redis.ts'
import { createMisbehavingServer, type MisbehavingServer } from '../../src/testing/misbehaving-server.ts'
import {
  CLIENT_PACKAGES,
  type ClientPackage,
  connectClient,
  type RedisServer,
  startRedis,
  withoutRedis,
} from './redis-server.ts'

const HOUR_MS = 3_600_000
const secretKey = crypto.getRandomValues(new Uint8Array(32))

const opened: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

interface World {
  readonly redis: RedisServer
  readonly server: MisbehavingServer
  readonly clock: { now: number }
  readonly events: OAuthEvent[]
  /** Runs when a refresh token has been redeemed and before the answer arrives. */
  onRedeemed: () => Promise<void>
  store(patienceMs?: number): Promise<CredentialStore>
  session(store: CredentialStore, interactive?: boolean): OAuthSession
}

async function createWorld(name: ClientPackage): Promise<World> {
  const redis = await startRedis({ durable: true })
  opened.unshift(() => redis.remove())
  const clock = { now: Date.UTC(2026, 10, 21) }
  const server = createMisbehavingServer({ now: () => clock.now })
  const events: OAuthEvent[] = []
  const world: World = {
    redis,
    server,
    clock,
    events,
    onRedeemed: async () => undefined,
    async store(patienceMs) {
      const { client, close } = await connectClient(name, redis.port)
      opened.unshift(close)
      return createRedisStore({ client, key: secretKey, ...(patienceMs !== undefined && { patienceMs }) })
    },
    session: (store, interactive = false) =>
      createOAuthSession({
        server: server.mcpUrl,
        store,
        interactive,
        now: () => clock.now,
        onEvent: event => events.push(event),
        grant: authorizationCode({ authorizer: server.authorizer() }),
        fetch: async (input, init) => {
          const redeemed = server.requestsTo('token:refresh_token').length
          const response = await server.fetch(input, init)
          if (server.requestsTo('token:refresh_token').length > redeemed) await world.onRedeemed()
          return response
        },
      }),
  }
  return world
}

const refreshes = ({ server }: World): number => server.requestsTo('token:refresh_token').length

describe.skipIf(withoutRedis).each(CLIENT_PACKAGES)('Redis killed in the middle, through %s', name => {
  it('while a refresh token is being redeemed, and started again: the refresh completes and nothing is lost', async () => {
    const world = await createWorld(name)
    const store = await world.store()
    await world.session(store, true).login()
    world.clock.now += HOUR_MS
    let restarted = Promise.resolve()
    world.onRedeemed = async () => {
      await world.redis.kill()
      restarted = world.redis.start()
    }
    const token = await world.session(store).accessToken()
    await restarted
    world.onRedeemed = async () => undefined
    expect(refreshes(world)).toBe(1)
    // Another machine finds the new tokens, and the new refresh token is alive.
    const elsewhere = world.session(await world.store())
    expect(await elsewhere.accessToken()).toBe(token)
    world.clock.now += HOUR_MS
    expect(await elsewhere.accessToken()).not.toBe(token)
    expect(refreshes(world)).toBe(2)
    expect(world.events.filter(({ type }) => type === 'loginRequired')).toEqual([])
  })

  it('and away for longer than its patience: a typed error, and the next call saves what was redeemed', async () => {
    const world = await createWorld(name)
    const store = await world.store(200)
    await world.session(store, true).login()
    world.clock.now += HOUR_MS
    world.onRedeemed = () => world.redis.kill()
    const session = world.session(store)
    const failure = await session.accessToken().catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'StoreError', code: expect.stringMatching(/^un(?:read|writ)able$/) })
    expect(failure).toMatchObject({ detail: { step: expect.stringMatching(/./), hint: expect.stringMatching(/./) } })
    await expect(session.accessToken()).rejects.toMatchObject({ name: 'StoreError' })
    world.onRedeemed = async () => undefined
    await world.redis.start()
    await expect.poll(() => store.list().catch(() => []), { timeout: 5_000 }).toHaveLength(1)
    const token = await session.accessToken()
    expect(refreshes(world)).toBe(1)
    const elsewhere = world.session(await world.store())
    expect(await elsewhere.accessToken()).toBe(token)
    world.clock.now += HOUR_MS
    await elsewhere.accessToken()
    expect(refreshes(world)).toBe(2)
  })

  it('again and again under writers: no increment that was reported is lost, none counts twice', async () => {
    const world = await createWorld(name)
    const key = { server: world.server.mcpUrl, profile: 'default' }
    const stores = await Promise.all([world.store(), world.store(), world.store()])
    const reported: number[] = []
    const over = new AbortController()
    const write = async (store: CredentialStore): Promise<void> => {
      while (!over.signal.aborted) {
        const found = await store.get(key)
        const count = Number(found?.record.current ?? 0) + 1
        const record = { format: 1 as const, ...key, current: String(count), issuers: {} }
        if ((await store.compareAndSet(key, found?.version ?? 0, record)) !== undefined) reported.push(count)
      }
    }
    const writers = stores.map(write)
    for (let kills = 0; kills < 4; kills++) {
      const before = reported.length
      await expect.poll(() => reported.length, { timeout: 10_000, interval: 5 }).toBeGreaterThan(before + 5)
      await world.redis.kill()
      await world.redis.start()
    }
    over.abort()
    await Promise.all(writers)
    expect(new Set(reported).size).toBe(reported.length)
    const last = await stores[0].get(key)
    expect(Number(last?.record.current)).toBe(Math.max(...reported))
    expect(last?.version).toBe(Math.max(...reported))
  })
})
