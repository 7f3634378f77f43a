import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { OAuthError } from '../../src/oauth/errors.ts'
import { workloadIdentity, type WorkloadIdentityOptions } from '../../src/oauth/flows/workload-identity.ts'
import { notFound, ISSUER, json, OTHER_ISSUER, SERVER, World } from './world.ts'

const TOKEN = `POST ${ISSUER}/token`
const KEY = { server: SERVER, profile: 'default' }
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** A workload whose platform hands out `platform-token-1`, `platform-token-2`, … */
function workload(options: Partial<WorkloadIdentityOptions> = {}, world = new World()) {
  world.givesRefreshToken = false
  const asked: string[] = []
  const grant = workloadIdentity({ token: ({ audience }) => `platform-token-${asked.push(audience)}`, ...options })
  return { world, asked, grant, ...world.client({ grant }) }
}

const formOf = (world: World, index = 0) => Object.fromEntries(world.tokenRequests[index]!.form)

describe('what workloadIdentity sends', () => {
  it('R-WIF-1 the assertion and the resource, and nothing that authenticates a client', async () => {
    const { world, asked, fetch } = workload()
    expect((await fetch(SERVER)).status).toBe(200)
    expect(formOf(world)).toEqual({ grant_type: JWT_BEARER, assertion: 'platform-token-1', resource: SERVER })
    expect(world.tokenRequests[0]!.headers.has('authorization')).toBe(false)
    expect(asked).toEqual([ISSUER])
  })

  it('R-WIF-1 the client id, where one is configured', async () => {
    const { world, fetch } = workload({ clientId: 'workload' })
    await fetch(SERVER)
    expect(formOf(world)).toMatchObject({ client_id: 'workload', assertion: 'platform-token-1' })
    expect(world.tokenRequests[0]!.headers.has('authorization')).toBe(false)
  })

  it('R-SCOPE-5 the scope without offline_access', async () => {
    const { world, fetch } = workload({ scope: 'files offline_access' })
    world.serverMetadata = { scopes_supported: ['files', 'offline_access'] }
    await fetch(SERVER)
    expect(formOf(world)).toMatchObject({ scope: 'files' })
  })

  it('R-WIF-1 needs no registration, no page and no PKCE at the server', async () => {
    const { world, fetch, session } = workload()
    world.serverMetadata = {
      authorization_endpoint: undefined,
      registration_endpoint: undefined,
      code_challenge_methods_supported: undefined,
      response_types_supported: [],
    }
    expect((await fetch(SERVER)).status).toBe(200)
    expect(await session.status()).toMatchObject({ loggedIn: true, withoutPerson: true })
  })

  it('R-WIF-1 the platform is asked anew for every token request', async () => {
    const { world, fetch, asked } = workload()
    await fetch(SERVER)
    await fetch(SERVER)
    expect(asked).toHaveLength(1)
    world.now += 3_590_000
    await fetch(SERVER)
    world.revokeAccessTokens()
    await fetch(SERVER)
    expect(world.tokenRequests.map(({ form }) => form.get('assertion'))).toEqual([
      'platform-token-1',
      'platform-token-2',
      'platform-token-3',
    ])
  })

  it('R-WIF-1 20 concurrent calls: one token of the platform, one token request', async () => {
    const { world, fetch, asked } = workload()
    const responses = await Promise.all(Array.from({ length: 20 }, () => fetch(SERVER)))
    expect(responses.every(({ ok }) => ok)).toBe(true)
    expect([asked.length, world.tokenRequests.length]).toEqual([1, 1])
  })

  it('R-WIF-1 a token from a file keeps no line break', async () => {
    const { world, fetch } = workload({ token: () => ' platform-token \n' })
    await fetch(SERVER)
    expect(formOf(world)).toMatchObject({ assertion: 'platform-token' })
  })
})

describe('a workload that gets no token', () => {
  it.each([
    ['invalid_grant', 400],
    ['invalid_client', 401],
    ['unsupported_grant_type', 400],
    ['unauthorized_client', 400],
  ])(
    'R-WIF-1 refused with %s: exactly one token request for 20 concurrent calls, and no other grant',
    async (error, status) => {
      const { world, fetch } = workload()
      world.serverMetadata = { token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'] }
      world.routes.set(TOKEN, () => json({ error, error_description: 'not trusted' }, status))
      const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => fetch(SERVER)))
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({
          status: 'rejected',
          reason: { code: 'token_refused', detail: { oauthError: error } },
        })
      }
      await fetch(SERVER).catch(() => undefined)
      expect(world.tokenRequests).toHaveLength(1)
      expect([world.authorizations.length, world.count(`POST ${ISSUER}/register`)]).toEqual([0, 0])
    },
  )

  it('R-WIF-1 and after a while it is tried again, with a new token of the platform', async () => {
    const { world, fetch, asked } = workload()
    world.routes.set(TOKEN, () => json({ error: 'invalid_grant' }, 400))
    await expect(fetch(SERVER)).rejects.toThrow()
    world.routes.delete(TOKEN)
    world.now += 61_000
    expect((await fetch(SERVER)).status).toBe(200)
    expect(asked).toHaveLength(2)
  })

  it.each<[string, WorkloadIdentityOptions['token']]>([
    [
      'throws',
      () => {
        throw new Error('no platform')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no platform'))],
    ['gives nothing', () => ''],
    ['gives white space', () => ' \n'],
    ['gives what is no text', () => undefined as unknown as string],
  ])('R-WIF-1 a source that %s: a clear error, and nothing is sent', async (_, token) => {
    const { world, fetch } = workload({ token })
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'configuration', detail: { step: 'workload identity' } })
    expect(world.tokenRequests).toHaveLength(0)
  })

  it('R-WIF-1 a source that fails near the expiry breaks no call', async () => {
    let fails = false
    const { world, fetch } = workload({
      token: () => (fails ? Promise.reject(new Error('no platform')) : 'platform-token'),
    })
    await fetch(SERVER)
    fails = true
    world.now += 3_590_000
    expect((await fetch(SERVER)).status).toBe(200)
    fails = false
    world.now += 5_000
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.tokenRequests).toHaveLength(2)
  })

  it('R-WIF-1 a source that hangs is told when nobody waits any more', async () => {
    let signal: AbortSignal | undefined
    const { world, fetch } = workload({
      token: wanted => {
        signal = wanted.signal
        return new Promise(() => undefined)
      },
    })
    const controller = new AbortController()
    const call = fetch(SERVER, { signal: controller.signal })
    await world.until(() => signal !== undefined)
    expect(signal!.aborted).toBe(false)
    controller.abort()
    await expect(call).rejects.toMatchObject({ name: 'AbortError' })
    expect(signal!.aborted).toBe(true)
    expect(world.tokenRequests).toHaveLength(0)
  })

  it('R-WIF-1 a server that names another than the configured issuer: the platform is not even asked', async () => {
    const { world, asked, fetch } = workload({ issuer: ISSUER })
    world.resourceMetadata = { resource: SERVER, authorization_servers: [OTHER_ISSUER] }
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'issuer_mismatch' })
    expect([asked.length, world.count(`POST ${OTHER_ISSUER}/token`)]).toEqual([0, 0])
  })

  it('R-WIF-1 a configured issuer needs no protected resource metadata', async () => {
    const { world, fetch, asked } = workload({ issuer: ISSUER })
    world.challenge = 'Bearer'
    world.routes.set('GET https://mcp.example.com/.well-known/oauth-protected-resource/mcp', notFound)
    expect((await fetch(SERVER)).status).toBe(200)
    expect(asked).toEqual([ISSUER])
  })
})

describe('the token of the platform', () => {
  it('R-WIF-1 a logout revokes what was got for it, as nobody', async () => {
    const { world, fetch, session } = workload()
    await fetch(SERVER)
    expect((await session.logout()).revocations).toEqual([{ issuer: ISSUER, token: 'access_token', ok: true }])
    const [revocation] = world.to(`POST ${ISSUER}/revoke`)
    expect(Object.fromEntries(revocation!.form)).toEqual({ token: 'access-1', token_type_hint: 'access_token' })
  })

  it('R-WIF-1 is in no store, event, status or error', async () => {
    const { world, fetch, session } = workload({ token: () => 'canary-platform-token' })
    await fetch(SERVER)
    world.now += 3_590_000
    world.routes.set(TOKEN, ({ form }) =>
      json({ error: 'invalid_grant', error_description: `bad ${form.get('assertion')}` }, 400),
    )
    const error = await session.login({ force: true }).catch((thrown: unknown) => thrown as OAuthError)
    expect((error as OAuthError).message).toContain('[redacted]')
    const shown = [await world.store.get(KEY), world.events, await session.status(), error, session, fetch]
    expect(inspect(shown, { depth: 20, showHidden: true })).not.toContain('canary')
  })
})
