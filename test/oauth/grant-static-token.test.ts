import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { staticToken, type TokenSource } from '../../src/oauth/flows/static-token.ts'
import type { SuppliedToken } from '../../src/oauth/grant-strategy.ts'
import { createMemoryStore } from '../../src/oauth/store/memory-store.ts'
import { ISSUER, SERVER, World } from './world.ts'

/** A world that accepts `accepted`, and a session with a token from elsewhere. */
function given(token: TokenSource, accepted: readonly string[] = ['api-key']) {
  const world = new World()
  for (const each of accepted) world.live.add(each)
  return { world, ...world.client({ grant: staticToken(token) }) }
}

/** A callback that hands out `tokens` in turn, the last for ever. */
function handingOut(...tokens: SuppliedToken[]) {
  let asked = 0
  const source = (): SuppliedToken => tokens[Math.min(asked++, tokens.length - 1)]!
  return { source, asked: () => asked }
}

const sent = (world: World) => world.to(`GET ${SERVER}`).map(({ headers }) => headers.get('authorization'))

describe('a token from elsewhere', () => {
  it('is sent from the first request on, and no authorization server is looked for', async () => {
    const { world, fetch, session } = given('api-key')
    expect((await fetch(SERVER)).status).toBe(200)
    expect(await session.accessToken()).toBe('api-key')
    expect(sent(world)).toEqual(['Bearer api-key'])
    expect(world.seen).toHaveLength(1)
    expect(await session.status()).toMatchObject({ loggedIn: true, withoutPerson: true, refreshable: false })
  })

  it('of a callback is asked for once, for this server, by all concurrent calls', async () => {
    const wanted: string[] = []
    const { world, fetch } = given(async ({ server }) => {
      wanted.push(server)
      return { accessToken: 'api-key' }
    })
    const responses = await Promise.all(Array.from({ length: 20 }, () => fetch(SERVER)))
    expect(responses.every(({ ok }) => ok)).toBe(true)
    expect(wanted).toEqual([SERVER])
    expect(new Set(sent(world))).toEqual(new Set(['Bearer api-key']))
  })

  it('is never stored in the store of the session, and what is stored there is never used', async () => {
    const world = new World()
    await world.client().fetch(SERVER)
    world.live.add('canary-key')
    const writes: string[] = []
    const store = { ...world.store, compareAndSet: async () => void writes.push('a write') }
    const { fetch, session } = world.client({ grant: staticToken('canary-key'), store })
    expect((await fetch(SERVER)).status).toBe(200)
    await session.logout()
    expect(writes).toEqual([])
    expect(sent(world).at(-1)).toBe('Bearer canary-key')
    expect(JSON.stringify(await world.store.get({ server: SERVER, profile: 'default' }))).not.toContain('canary')
  })

  it('is sent to its own server only', async () => {
    const { world, fetch } = given('api-key')
    await fetch('https://other.example.com/mcp')
    await fetch('https://mcp.example.com/elsewhere')
    expect(world.seen.every(({ headers }) => !headers.has('authorization'))).toBe(true)
  })

  it('is not shown by events, status or inspection', async () => {
    const { world, fetch, session } = given('canary-key', ['canary-key'])
    await fetch(SERVER)
    const shown = [world.events, await session.status(), session, fetch]
    expect(inspect(shown, { depth: 20, showHidden: true })).not.toContain('canary')
  })

  it.each(['', ' ', 'two words', 'line\nbreak', 'ünicode'])(
    'that no header can carry is refused at once: %j',
    token => {
      expect(() => staticToken(token)).toThrow(expect.objectContaining({ code: 'configuration' }))
    },
  )

  it.each<[string, () => unknown]>([
    ['a line break', () => ({ accessToken: 'canary\n' })],
    ['nothing', () => undefined],
    ['no token', () => ({})],
    ['null', () => null],
  ])('of a callback that gives %s is a clear error, which does not quote it', async (_, source) => {
    const { world, fetch } = given(source as () => SuppliedToken)
    const error = await fetch(SERVER).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'OAuthError', code: 'configuration' })
    expect(inspect(error)).not.toContain('canary')
    expect(sent(world)).toEqual([])
  })

  it.each<[string, () => never | Promise<never>]>([
    [
      'throws',
      () => {
        throw new Error('the vault is sealed')
      },
    ],
    ['rejects', () => Promise.reject(new Error('the vault is sealed'))],
  ])('of a callback that %s is a clear error with its cause', async (_, source) => {
    const { fetch } = given(source)
    await expect(fetch(SERVER)).rejects.toMatchObject({
      code: 'configuration',
      cause: expect.objectContaining({ message: 'the vault is sealed' }) as unknown,
    })
  })
})

describe('a token from elsewhere that ends or is refused', () => {
  it('fixed: one clear error that names the token, not a login, and the server is not asked twice with it', async () => {
    const { world, fetch } = given('revoked-key')
    await expect(fetch(SERVER)).rejects.toMatchObject({
      code: 'fresh_token_rejected',
      message: expect.stringContaining('configured token') as string,
    })
    expect(sent(world)).toEqual(['Bearer revoked-key'])
    expect(world.seen).toHaveLength(1)
  })

  it('of a callback: asked for once more', async () => {
    const { source, asked } = handingOut({ accessToken: 'old-key' }, { accessToken: 'api-key' })
    const { world, fetch } = given(source)
    expect((await fetch(SERVER)).status).toBe(200)
    expect(sent(world)).toEqual(['Bearer old-key', 'Bearer api-key'])
    expect(asked()).toBe(2)
  })

  it('of a callback that has no better one: a clear error, and not asked for ever', async () => {
    const { source, asked } = handingOut({ accessToken: 'old-key' })
    const { world, fetch } = given(source)
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'fresh_token_rejected' })
    expect(asked()).toBe(2)
    world.live.add('old-key')
    expect((await fetch(SERVER)).status).toBe(200)
  })

  it('R-REFRESH-2 of a callback: replaced before it ends, once for all concurrent calls', async () => {
    const expiresAt = new World().now + 3_600_000
    const { source, asked } = handingOut({ accessToken: 'old-key', expiresAt }, { accessToken: 'api-key' })
    const { world, fetch } = given(source, ['old-key', 'api-key'])
    await fetch(SERVER)
    world.now += 3_590_000
    await Promise.all(Array.from({ length: 20 }, () => fetch(SERVER)))
    expect(asked()).toBe(2)
    expect(new Set(sent(world).slice(1))).toEqual(new Set(['Bearer api-key']))
  })

  it('R-REFRESH-2 of a callback that fails near the expiry: the one that works is sent', async () => {
    const expiresAt = new World().now + 3_600_000
    let calls = 0
    const { world, fetch } = given(() => {
      if (++calls > 1) throw new Error('the vault is sealed')
      return { accessToken: 'api-key', expiresAt }
    })
    await fetch(SERVER)
    world.now += 3_590_000
    expect((await fetch(SERVER)).status).toBe(200)
    expect((await fetch(SERVER)).status).toBe(200)
  })

  it('that is about to end and is still the newest is used', async () => {
    const expiresAt = new World().now + 3_600_000
    const { world, fetch } = given(() => ({ accessToken: 'api-key', expiresAt }))
    await fetch(SERVER)
    world.now += 3_590_000
    expect((await fetch(SERVER)).status).toBe(200)
  })

  it('a scope that it lacks: said, after it was asked for once more', async () => {
    const { source, asked } = handingOut({ accessToken: 'api-key', scope: 'read' })
    const { world, fetch } = given(source)
    const headers = { 'www-authenticate': 'Bearer error="insufficient_scope", scope="write"' }
    world.routes.set(`GET ${SERVER}`, () => new Response('', { status: 403, headers }))
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'step_up_failed', detail: { expected: 'write' } })
    expect(asked()).toBe(2)
    expect(world.authorizations).toHaveLength(0)
  })
})

describe('logging out and in', () => {
  it("a logout revokes nothing: the token is the application's", async () => {
    const { world, fetch, session } = given('api-key')
    await fetch(SERVER)
    expect((await session.logout()).revocations).toEqual([])
    expect(world.count(`POST ${ISSUER}/revoke`)).toBe(0)
    expect((await fetch(SERVER)).status).toBe(200)
  })

  it('a login asks the callback, and a forced one again', async () => {
    const { source, asked } = handingOut({ accessToken: 'api-key' })
    const { session } = given(source)
    expect(await session.login()).toMatchObject({ loggedIn: true })
    await session.login()
    expect(asked()).toBe(1)
    await session.login({ force: true })
    expect(asked()).toBe(2)
  })

  it('works where nobody may be asked', async () => {
    const world = new World()
    world.live.add('api-key')
    const options = { grant: staticToken('api-key'), interactive: false, store: createMemoryStore() }
    expect((await world.client(options).fetch(SERVER)).status).toBe(200)
  })

  it("a caller that gives up ends the callback's wait", async () => {
    let signal: AbortSignal | undefined
    const { world, fetch } = given(wanted => {
      signal = wanted.signal
      return new Promise(() => undefined)
    })
    const controller = new AbortController()
    const call = fetch(SERVER, { signal: controller.signal })
    await world.until(() => signal !== undefined)
    controller.abort()
    await expect(call).rejects.toMatchObject({ name: 'AbortError' })
    expect(signal!.aborted).toBe(true)
  })
})
