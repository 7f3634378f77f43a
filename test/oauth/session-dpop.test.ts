import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { clientCredentials } from '../../src/oauth/flows/client-credentials.ts'
import { staticToken } from '../../src/oauth/flows/static-token.ts'
import type { OAuthSessionOptions } from '../../src/oauth/session-options.ts'
import type { IssuerCredentials, StoredGrant } from '../../src/oauth/store/credential-store.ts'
import { DpopWorld, type DpopWishes } from './dpop-world.ts'
import { ISSUER, json, SERVER } from './world.ts'

const KEY = { server: SERVER, profile: 'default' }
const BEARER_ONLY = `Bearer resource_metadata="${new URL('/.well-known/oauth-protected-resource/mcp', SERVER).href}"`
/** The session's own randomness: names of proofs must not repeat. */
const RANDOM = { randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) }

const client = (world: DpopWorld, options: Partial<OAuthSessionOptions> = {}) => world.client({ ...RANDOM, ...options })

async function stored(world: DpopWorld): Promise<StoredGrant> {
  return (await world.store.get(KEY))!.record.issuers[ISSUER]!.grant!
}

async function change(world: DpopWorld, to: (credentials: IssuerCredentials) => IssuerCredentials): Promise<void> {
  const { record, version } = (await world.store.get(KEY))!
  const issuers = { [ISSUER]: to(record.issuers[ISSUER]!) }
  await world.store.compareAndSet(KEY, version, { ...record, issuers })
}

const schemes = (world: DpopWorld) =>
  world.to(`GET ${SERVER}`).flatMap(({ headers }) => headers.get('authorization')?.split(' ')[0] ?? [])

/** A world with one bound login in it. */
async function bound(world = new DpopWorld(), options: Partial<OAuthSessionOptions> = {}) {
  const { session, fetch } = client(world, options)
  expect((await fetch(SERVER)).status).toBe(200)
  expect((await stored(world)).tokenType).toBe('DPoP')
  return { world, session, fetch }
}

describe('when a login is bound to a key', () => {
  const ES = ['ES256']
  it.each<[string, DpopWishes, boolean | undefined, string]>([
    ['both offer it', { server: ES, challenge: ES }, undefined, 'DPoP'],
    ['both offer it, the resource metadata speaks', { server: ES, resource: ES }, undefined, 'DPoP'],
    ['the authorization server alone offers it', { server: ES }, undefined, 'Bearer'],
    ['the MCP server alone offers it', { challenge: ES }, undefined, 'Bearer'],
    ['nobody offers it', {}, undefined, 'Bearer'],
    ['both offer it, and it is switched off', { server: ES, challenge: ES }, false, 'Bearer'],
    ['nobody offers it, and it is required', {}, true, 'DPoP'],
    ['the authorization server offers it, and it is required', { server: ES }, true, 'DPoP'],
  ])('R-DPOP-1 %s', async (_, wishes, dpop, scheme) => {
    const world = new DpopWorld(wishes)
    const { fetch, session } = client(world, dpop === undefined ? {} : { dpop })
    expect((await fetch(SERVER)).status).toBe(200)
    expect(schemes(world)).toEqual([scheme])
    expect((await session.status()).dpop).toBe(scheme === 'DPoP' ? true : undefined)
    expect(world.faults).toEqual([])
  })

  it('R-DPOP-1 a challenge that speaks of proofs only', async () => {
    const world = new DpopWorld()
    world.challenge = BEARER_ONLY.replace('Bearer', 'DPoP')
    expect((await client(world).fetch(SERVER)).status).toBe(200)
    expect(schemes(world)).toEqual(['DPoP'])
  })

  it('R-DPOP-1 the resource metadata requires it', async () => {
    const world = new DpopWorld({})
    world.resourceMetadata = { ...world.resourceMetadata, dpop_bound_access_tokens_required: true }
    await client(world).fetch(SERVER)
    expect(schemes(world)).toEqual(['DPoP'])
  })

  it.each<[readonly string[], readonly string[], string]>([
    [['RS256', 'ES256'], ['RS256', 'ES256'], 'ES256'],
    [['RS256', 'EdDSA'], ['PS256', 'EdDSA'], 'EdDSA'],
    [['ES384', 'ES256'], ['ES384'], 'ES384'],
    [['RS256'], ['RS256'], 'RS256'],
  ])('R-DPOP-1 algorithms %j and %j: %s', async (server, challenge, algorithm) => {
    const world = new DpopWorld({ server, challenge })
    await client(world).fetch(SERVER)
    expect(new Set(world.proofs.map(proof => proof.algorithm))).toEqual(new Set([algorithm]))
    expect(world.faults).toEqual([])
  })

  it('R-DPOP-1 no algorithm in common: bearer, or an error where proofs are required', async () => {
    const wishes = { server: ['RS512'], challenge: ['ES256'] }
    const world = new DpopWorld(wishes)
    await client(world).fetch(SERVER)
    expect(schemes(world)).toEqual(['Bearer'])

    const strict = new DpopWorld(wishes)
    await expect(client(strict, { dpop: true }).fetch(SERVER)).rejects.toMatchObject({
      code: 'dpop_unsupported',
      detail: { received: expect.stringMatching(/RS512.*ES256/u) as string },
    })
    expect([strict.tokenRequests.length, strict.authorizations.length]).toEqual([0, 0])
  })

  it('R-DPOP-1 the authorization request names the key, and a machine needs none', async () => {
    const { world } = await bound()
    const jkt = world.authorizations[0]!.url.searchParams.get('dpop_jkt')
    expect(jkt).toBe(world.keyOf((await stored(world)).accessToken))

    const machine = new DpopWorld()
    const grant = clientCredentials({ clientId: 'robot', clientSecret: 'robot-secret' })
    expect((await client(machine, { grant }).fetch(SERVER)).status).toBe(200)
    expect(schemes(machine)).toEqual(['DPoP'])
  })

  it('R-DPOP-1 a fresh proof for every request, each with a name of its own', async () => {
    const { world, fetch } = await bound()
    await Promise.all([fetch(SERVER), fetch(SERVER), fetch(SERVER)])
    expect(new Set(world.proofs.map(({ payload }) => payload['jti'])).size).toBe(5)
    expect(world.faults).toEqual([])
  })
})

describe('nobody can talk the client down to bearer tokens', () => {
  it('R-DPOP-1 a bearer token in answer to a proof is refused, and not stored', async () => {
    const world = new DpopWorld()
    world.tokenResponse = { token_type: 'Bearer' }
    const { fetch, session } = client(world)
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'token_response_invalid', detail: { expected: 'DPoP' } })
    expect(await session.status()).toMatchObject({ loggedIn: false })
    expect(schemes(world)).toEqual([])
  })

  it('R-DPOP-1 the same in answer to a refresh: the bound login is kept', async () => {
    const { world, session } = await bound()
    const before = await stored(world)
    world.tokenResponse = { token_type: 'Bearer' }
    world.now += 3_700_000
    await expect(session.accessToken()).rejects.toThrow()
    expect(await stored(world)).toMatchObject({ tokenType: 'DPoP', refreshToken: before.refreshToken })
  })

  /** The MCP server and its metadata no longer say a word of proofs. */
  const goSilent = (world: DpopWorld): void => {
    world.challenge = BEARER_ONLY
    world.serverMetadata = {}
  }

  it('R-DPOP-1 a login that takes the place of a bound one is bound', async () => {
    const { world, session } = await bound()
    goSilent(world)
    await session.login({ force: true })
    expect(await stored(world)).toMatchObject({ tokenType: 'DPoP' })
  })

  it('R-DPOP-1 a step-up of a bound login is bound, though the challenge is a bearer one', async () => {
    const { world, fetch } = await bound()
    const { accessToken } = await stored(world)
    const honest = world.routes.get(`GET ${SERVER}`)!
    world.routes.set(`GET ${SERVER}`, seen =>
      seen.headers.get('authorization')?.endsWith(accessToken) === true
        ? new Response('', {
            status: 403,
            headers: { 'www-authenticate': 'Bearer error="insufficient_scope", scope="admin"' },
          })
        : honest(seen),
    )
    goSilent(world)
    expect((await fetch(SERVER)).status).toBe(200)
    expect(await stored(world)).toMatchObject({ tokenType: 'DPoP', scope: 'admin' })
    expect(schemes(world)).toEqual(['DPoP', 'DPoP', 'DPoP'])
  })

  it('R-DPOP-1 a login after the refresh token was refused is bound', async () => {
    const { world, fetch } = await bound()
    goSilent(world)
    world.refreshTokens.clear()
    world.revokeAccessTokens()
    expect((await fetch(SERVER)).status).toBe(200)
    expect(await stored(world)).toMatchObject({ tokenType: 'DPoP' })
    expect(schemes(world)).not.toContain('Bearer')
  })

  it('R-DPOP-1 but after a logout a login is what the servers make of it', async () => {
    const { world, session, fetch } = await bound()
    goSilent(world)
    await session.logout()
    expect((await fetch(SERVER)).status).toBe(200)
    expect(await stored(world)).toMatchObject({ tokenType: 'Bearer' })
  })

  it('R-DPOP-1 where proofs are required, a bearer login of the store is not used', async () => {
    const world = new DpopWorld()
    await client(world, { dpop: false }).fetch(SERVER)
    const strict = client(world, { dpop: true, interactive: false })
    expect(await strict.session.status()).toMatchObject({ loggedIn: false })
    await expect(strict.session.accessToken()).rejects.toMatchObject({ code: 'login_required' })
    expect((await client(world, { dpop: true }).fetch(SERVER)).status).toBe(200)
    expect(schemes(world)).toEqual(['Bearer', 'DPoP'])
  })

  it('R-DPOP-1 a token that the application supplies cannot be bound: said at once', () => {
    const create = (): unknown => client(new DpopWorld(), { dpop: true, grant: staticToken('token') })
    expect(create).toThrow(expect.objectContaining({ code: 'configuration' }))
  })
})

describe('the key of a login', () => {
  it('R-DPOP-1 a refresh proves the same key', async () => {
    const { world, fetch } = await bound()
    const before = await stored(world)
    world.now += 3_590_000
    expect((await fetch(SERVER)).status).toBe(200)
    const after = await stored(world)
    expect(after.accessToken).not.toBe(before.accessToken)
    expect(world.keyOf(after.accessToken)).toBe(world.keyOf(before.accessToken))
    expect([world.refreshes.length, world.authorizations.length, world.faults.length]).toEqual([1, 1, 0])
  })

  it('R-DPOP-1 another session over the same store proves it, too', async () => {
    const { world } = await bound()
    expect((await client(world, { interactive: false }).fetch(SERVER)).status).toBe(200)
    world.now += 3_590_000
    expect((await client(world, { interactive: false, dpop: false }).fetch(SERVER)).status).toBe(200)
    expect(new Set(world.proofs.map(({ thumbprint }) => thumbprint)).size).toBe(1)
    expect(schemes(world)).toEqual(['DPoP', 'DPoP', 'DPoP'])
  })

  it('R-DPOP-1 a login that another session finishes is bound to the key it began with', async () => {
    const world = new DpopWorld()
    const one = client(world).session
    const { url } = await one.beginLogin({ redirectUri: `http://127.0.0.1:${world.port}/callback` })
    const answer = await world.approve(url)
    const other = client(world)
    await other.session.finishLogin(answer)
    expect((await other.fetch(SERVER)).status).toBe(200)
    expect(world.keyOf((await stored(world)).accessToken)).toBe(url.searchParams.get('dpop_jkt'))
  })

  it('R-DPOP-1 every login has a key of its own', async () => {
    const { world, session } = await bound()
    await session.login({ force: true })
    expect(new Set(world.proofs.map(({ thumbprint }) => thumbprint)).size).toBe(2)
  })

  it.each<[string, (grant: StoredGrant) => StoredGrant]>([
    ['is gone', ({ dpopJwk: _lost, ...grant }) => grant],
    [
      'is damaged',
      grant => ({ ...grant, dpopJwk: { kty: 'EC', crv: 'P-256', alg: 'ES256', x: 'AA', y: 'AA', d: 'AA' } }),
    ],
  ])('R-DPOP-1 a key that %s means a new login, never a bearer token', async (_, lose) => {
    const { world } = await bound()
    await change(world, credentials => ({ ...credentials, grant: lose(credentials.grant!) }))
    const unattended = client(world, { interactive: false })
    await expect(unattended.fetch(SERVER)).rejects.toMatchObject({ code: 'login_required' })
    await expect(unattended.session.accessToken().then(() => unattended.fetch(SERVER))).rejects.toMatchObject({
      code: 'login_required',
    })
    expect((await client(world).fetch(SERVER)).status).toBe(200)
    expect(schemes(world)).toEqual(['DPoP', 'DPoP'])
    expect(world.refreshes).toHaveLength(0)
  })

  it('R-DPOP-1 revocation proves nothing and needs nothing', async () => {
    const { session } = await bound()
    expect((await session.logout()).revocations.every(({ ok }) => ok)).toBe(true)
  })

  it('R-DPOP-1 the key is in no event, status, error, inspection or request', async () => {
    const { world, session, fetch } = await bound()
    const { dpopJwk } = await stored(world)
    world.now += 3_590_000
    await fetch(SERVER)
    world.routes.set(`POST ${ISSUER}/token`, ({ body, headers }) =>
      json({ error: 'invalid_request', error_description: `${body} ${headers.get('dpop')}` }, 400),
    )
    world.now += 3_700_000
    const error = await session.accessToken().catch((thrown: unknown) => thrown)
    const requests = world.seen.map(({ url, body, headers }) => [url.href, body, ...headers.values()])
    const shown = inspect([error, session, fetch, world.events, await session.status()], {
      depth: 20,
      showHidden: true,
    })
    expect(dpopJwk!['d']).toEqual(expect.any(String))
    expect(shown + JSON.stringify([world.events, await session.status(), requests])).not.toContain(dpopJwk!['d'])
  })
})
