import { createLocalJWKSet, decodeJwt, exportJWK, exportPKCS8, generateKeyPair, jwtVerify, type JWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { privateKeyJwt, type PrivateKeyJwtOptions } from '../../src/oauth/flows/client-credentials.ts'
import type { SigningAlgorithm } from '../../src/oauth.ts'
import { ISSUER, json, SERVER, World } from './world.ts'

const KEY = { server: SERVER, profile: 'default' }
const TOKEN = `POST ${ISSUER}/token`
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

async function keyPair(algorithm: SigningAlgorithm = 'ES256') {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const [jwk, publicJwk] = [await exportJWK(privateKey), await exportJWK(publicKey)]
  return { privateKey, jwk, publicJwk, pem: await exportPKCS8(privateKey) }
}

function machine(options: Omit<PrivateKeyJwtOptions, 'clientId'>, world = new World()) {
  world.givesRefreshToken = false
  const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length))
  return { world, ...world.client({ grant: privateKeyJwt({ clientId: 'robot', ...options }), randomBytes }) }
}

const assertions = (world: World) => world.tokenRequests.map(({ form }) => form.get('client_assertion') ?? '')

/** Verifies as an authorization server would, at the world's time. */
const verify = (world: World, key: JWK, index = 0, audience: string = ISSUER) =>
  jwtVerify(assertions(world)[index]!, createLocalJWKSet({ keys: [key] }), {
    currentDate: new Date(world.now),
    audience,
    issuer: 'robot',
    subject: 'robot',
    requiredClaims: ['jti', 'exp', 'iat'],
  })

describe('a client that signs', () => {
  it('R-JWT-1 the form holds the assertion, and no secret', async () => {
    const { jwk } = await keyPair()
    const { world, fetch } = machine({ key: { ...jwk, alg: 'ES256' } })
    expect((await fetch(SERVER)).status).toBe(200)
    expect(Object.fromEntries(world.tokenRequests[0]!.form)).toEqual({
      grant_type: 'client_credentials',
      resource: SERVER,
      client_id: 'robot',
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: expect.stringMatching(/^ey/u) as string,
    })
    expect(world.tokenRequests[0]!.headers.has('authorization')).toBe(false)
  })

  it.each<SigningAlgorithm>(['ES256', 'ES384', 'EdDSA', 'PS256'])('R-JWT-1 %s verifies, for one minute', async alg => {
    const { pem, publicJwk } = await keyPair(alg)
    const { world, fetch } = machine({ key: pem, algorithm: alg, keyId: 'key-1' })
    await fetch(SERVER)
    const { payload, protectedHeader } = await verify(world, { ...publicJwk, kid: 'key-1' })
    expect(protectedHeader).toMatchObject({ alg, kid: 'key-1' })
    expect(payload.exp! - payload.iat!).toBe(60)
    expect(payload.iat).toBe(world.now / 1000)
  })

  it('R-JWT-1 a PEM, a JWK, a CryptoKey and a remote signer all do', async () => {
    const { pem, jwk, privateKey, publicJwk } = await keyPair()
    const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
    const sign = async (data: Uint8Array) =>
      new Uint8Array(await crypto.subtle.sign(algorithm, privateKey, new Uint8Array(data)))
    const keys: PrivateKeyJwtOptions['key'][] = [
      pem,
      { ...jwk, alg: 'ES256' },
      privateKey,
      { algorithm: 'ES256', sign },
    ]
    for (const key of keys) {
      const { world, fetch } = machine({ key, algorithm: 'ES256' })
      expect((await fetch(SERVER)).status).toBe(200)
      await expect(verify(world, publicJwk)).resolves.toBeDefined()
    }
  })

  it('R-JWT-1 audience and lifetime may be configured; five minutes are the most', async () => {
    const { pem, publicJwk } = await keyPair()
    const audience = `${ISSUER}/token`
    const { world, fetch } = machine({ key: pem, algorithm: 'ES256', audience, lifetimeSeconds: 86_400 })
    await fetch(SERVER)
    const { payload } = await verify(world, publicJwk, 0, audience)
    expect(payload.exp! - payload.iat!).toBe(300)
  })

  it('R-JWT-1 every request has an assertion of its own', async () => {
    const { pem } = await keyPair()
    const { world, fetch } = machine({ key: pem, algorithm: 'ES256' })
    for (let round = 0; round < 3; round++) {
      world.revokeAccessTokens()
      await fetch(SERVER)
    }
    expect(new Set(assertions(world).map(each => decodeJwt(each).jti)).size).toBe(3)
  })

  it('R-JWT-1 an algorithm that the server does not take is an error before anything is sent', async () => {
    const { pem } = await keyPair()
    const { world, fetch } = machine({ key: pem, algorithm: 'ES256' })
    world.serverMetadata = { token_endpoint_auth_signing_alg_values_supported: ['RS256'] }
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'configuration' })
    expect(world.tokenRequests).toHaveLength(0)
  })

  it('R-JWT-1 refused, it is asked once, and neither another method nor a registration is tried', async () => {
    const { pem } = await keyPair()
    const { world, fetch } = machine({ key: pem, algorithm: 'ES256' })
    world.serverMetadata = { token_endpoint_auth_methods_supported: ['client_secret_basic', 'none'] }
    world.routes.set(TOKEN, () => json({ error: 'invalid_client' }, 401))
    await expect(fetch(SERVER)).rejects.toMatchObject({ detail: { oauthError: 'invalid_client' } })
    expect([world.tokenRequests.length, world.count(`POST ${ISSUER}/register`)]).toEqual([1, 0])
  })

  it('R-JWT-1 a refresh and a revocation are signed, too', async () => {
    const { pem, publicJwk } = await keyPair()
    const world = new World()
    const { session, fetch } = machine({ key: pem, algorithm: 'ES256' }, world)
    world.givesRefreshToken = true
    await fetch(SERVER)
    world.now += 3_590_000
    await fetch(SERVER)
    expect(world.refreshes).toHaveLength(1)
    await expect(verify(world, publicJwk, 1)).resolves.toBeDefined()
    await session.logout()
    expect(world.to(`POST ${ISSUER}/revoke`).map(({ form }) => form.get('client_assertion_type'))).toEqual([
      ASSERTION_TYPE,
      ASSERTION_TYPE,
    ])
  })

  it.each<[string, PrivateKeyJwtOptions['key']]>([
    ['an empty text', ''],
    ['no PEM', 'canary'],
    ['a public key', { kty: 'EC', crv: 'P-256', x: 'canary', y: 'canary', alg: 'ES256' }],
  ])('R-JWT-1 %s is refused at once, and not quoted', (_, key) => {
    let refused: unknown
    try {
      privateKeyJwt({ clientId: 'robot', key })
    } catch (error) {
      refused = error
    }
    expect(refused).toMatchObject({ code: 'configuration' })
    const { message, detail } = refused as { message: string; detail: unknown }
    expect(JSON.stringify([message, detail])).not.toContain('canary')
  })

  it('R-JWT-1 a signer that fails near the expiry breaks no call, and is asked again', async () => {
    const { privateKey } = await keyPair()
    let fails = false
    const sign = async (data: Uint8Array) => {
      if (fails) throw new Error('the key service is down')
      const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
      return new Uint8Array(await crypto.subtle.sign(algorithm, privateKey, new Uint8Array(data)))
    }
    const { world, fetch } = machine({ key: { algorithm: 'ES256', sign } })
    await fetch(SERVER)
    fails = true
    world.now += 3_590_000
    expect((await fetch(SERVER)).status).toBe(200)
    fails = false
    world.now += 5_000
    await fetch(SERVER)
    expect(world.tokenRequests).toHaveLength(2)
  })

  it('R-JWT-1 neither key nor assertion is stored or told', async () => {
    const { jwk } = await keyPair()
    const { world, fetch, session } = machine({ key: { ...jwk, alg: 'ES256' } })
    await fetch(SERVER)
    world.routes.set(TOKEN, ({ form }) =>
      json({ error: 'invalid_client', error_description: form.get('client_assertion') }, 401),
    )
    const error = await session.login({ force: true }).catch((thrown: unknown) => thrown as Error)
    const record = (await world.store.get(KEY))!.record
    const shown = JSON.stringify([record, world.events, await session.status(), error, (error as Error).message])
    expect(shown).not.toContain(jwk.d)
    for (const assertion of assertions(world)) expect(shown).not.toContain(assertion)
    expect(record.issuers[ISSUER]?.registration).toMatchObject({ tokenEndpointAuthMethod: 'private_key_jwt' })
  })
})
