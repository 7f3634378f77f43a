import { describe, expect, it } from 'vitest'
import { clientCredentials } from '../../src/oauth/flows/client-credentials.ts'
import { identityAssertion } from '../../src/oauth/flows/identity-assertion.ts'
import { workloadIdentity } from '../../src/oauth/flows/workload-identity.ts'
import type { OAuthSessionOptions } from '../../src/oauth/session-options.ts'
import { addDeviceEndpoint, pending } from './device-endpoint.ts'
import { DpopWorld } from './dpop-world.ts'
import { json, SERVER } from './world.ts'

const IDP = 'https://login.example.com'
const RANDOM = { randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) }
const ROBOT = { clientId: 'robot', clientSecret: 'robot-secret' }

/** An identity provider in the same world. */
function addIdentityProvider(world: DpopWorld): void {
  world.routes.set(`POST ${IDP}/token`, () =>
    json({
      issued_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
      access_token: 'identity-assertion',
      token_type: 'N_A',
    }),
  )
}

const MACHINES: readonly [string, () => OAuthSessionOptions['grant']][] = [
  ['clientCredentials', () => clientCredentials(ROBOT)],
  ['workloadIdentity', () => workloadIdentity({ token: () => 'platform-token' })],
  [
    'identityAssertion',
    () =>
      identityAssertion({
        client: ROBOT,
        identityProvider: {
          issuer: IDP,
          tokenEndpoint: `${IDP}/token`,
          client: { clientId: 'idp-app' },
          idToken: 'id-token',
        },
      }),
  ],
]

/** A world that wants proofs and nonces, with tokens that come without a refresh token. */
function demanding(): DpopWorld {
  const world = new DpopWorld()
  addIdentityProvider(world)
  world.givesRefreshToken = false
  world.nonce.token = 'as-1'
  world.nonce.mcp = 'rs-1'
  return world
}

const schemes = (world: DpopWorld) =>
  world.to(`GET ${SERVER}`).flatMap(({ headers }) => headers.get('authorization')?.split(' ')[0] ?? [])

describe.each(MACHINES)('proofs of a machine: %s', (_, grant) => {
  it('R-DPOP-1 20 concurrent calls: one bound token, after one demand for a nonce', async () => {
    const world = demanding()
    const { fetch } = world.client({ grant: grant(), ...RANDOM })
    const responses = await Promise.all(Array.from({ length: 20 }, () => fetch(SERVER)))
    expect(responses.every(({ ok }) => ok)).toBe(true)
    expect(world.tokenRequests).toHaveLength(2)
    expect([world.nonceDemands.token, new Set(schemes(world)).size, schemes(world)[0]]).toEqual([1, 1, 'DPoP'])
    expect(world.faults).toEqual([])
  })

  it('R-DPOP-1 the next token is bound, too, though both servers have gone silent about proofs', async () => {
    const world = demanding()
    const { fetch } = world.client({ grant: grant(), ...RANDOM })
    await fetch(SERVER)
    world.serverMetadata = {}
    world.challenge = world.challenge.replace(/^DPoP [^,]*, /u, '')
    for (const elapsed of [3_590_000, 3_700_000]) {
      world.now += elapsed
      expect((await fetch(SERVER)).status).toBe(200)
    }
    expect(new Set(schemes(world))).toEqual(new Set(['DPoP']))
    expect(world.faults).toEqual([])
  })

  it('R-DPOP-1 another session over the same store uses the token with its key', async () => {
    const world = demanding()
    await world.client({ grant: grant(), ...RANDOM }).fetch(SERVER)
    const before = world.tokenRequests.length
    expect((await world.client({ grant: grant(), ...RANDOM }).fetch(SERVER)).status).toBe(200)
    expect(world.tokenRequests).toHaveLength(before)
    expect(world.faults).toEqual([])
  })
})

describe('proofs of a login on another device', () => {
  it('R-DPOP-1 every poll has a fresh proof of one key, and a demand for a nonce is no poll', async () => {
    const world = new DpopWorld()
    const endpoint = addDeviceEndpoint(world, [pending, pending])
    world.nonce.token = 'as-1'
    const options = { grant: endpoint.grant({ client: { clientId: 'tv' } }), ...endpoint.options, ...RANDOM }
    const { fetch, session } = world.client(options)
    expect((await fetch(SERVER)).status).toBe(200)
    expect(await session.status()).toMatchObject({ dpop: true })
    expect(new Set(endpoint.polls.map(({ headers }) => headers.get('dpop'))).size).toBe(4)
    expect(world.slept).toEqual([5_000, 5_000, 5_000])
    expect(new Set(world.proofs.map(({ thumbprint }) => thumbprint)).size).toBe(1)
    expect([world.faults, new Set(schemes(world))]).toEqual([[], new Set(['DPoP'])])
  })

  it('R-DPOP-1 its refresh proves the same key', async () => {
    const world = new DpopWorld()
    const endpoint = addDeviceEndpoint(world)
    const options = { grant: endpoint.grant({ client: { clientId: 'tv' } }), ...endpoint.options, ...RANDOM }
    const { fetch } = world.client(options)
    await fetch(SERVER)
    world.now += 3_590_000
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.refreshes).toHaveLength(1)
    expect(new Set(world.proofs.map(({ thumbprint }) => thumbprint)).size).toBe(1)
  })
})
