import { inspect } from 'node:util'
import { CompactSign } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { jwtVerifier, type JwtVerifierOptions } from '../../src/resource-server/jwt-verifier.ts'
import {
  base64url,
  CANARY,
  ISSUER,
  IssuerWorld,
  JWKS_URI,
  makeKey,
  present,
  refusal,
  RESOURCE,
} from './issuer-world.ts'

let world: IssuerWorld
beforeEach(async () => {
  world = await IssuerWorld.start()
})

const verifier = (options: Partial<JwtVerifierOptions> = {}) => jwtVerifier({ ...world.options, ...options })

describe('an access token as RFC 9068 has it', () => {
  it('is accepted, and says who, for which client, which scopes and until when', async () => {
    const token = await world.sign()
    expect(await verifier()(present(token))).toEqual({
      principal: JSON.stringify([ISSUER, 'alice', 'app']),
      issuer: ISSUER,
      subject: 'alice',
      clientId: 'app',
      scopes: ['files:read', 'files:write'],
      expiresAt: world.now + 300_000,
      claims: world.claims(),
      token,
    })
  })

  it.each(['RS256', 'PS256', 'ES256', 'EdDSA', 'RS384', 'PS384', 'ES384', 'RS512', 'PS512', 'ES512'])(
    'is accepted when signed with %s',
    async alg => {
      world.keys = [await makeKey(alg, 'k')]
      expect((await verifier()(present(await world.sign()))).subject).toBe('alice')
    },
  )

  it.each(['at+jwt', 'AT+JWT', 'application/at+jwt'])('is accepted with typ %s', async typ => {
    expect((await verifier()(present(await world.sign({}, { header: { typ } })))).subject).toBe('alice')
  })

  it('tells people, clients and issuers apart in the principal, however they are named', async () => {
    const principals = new Set<string>()
    for (const claims of [
      { sub: 'a', client_id: 'b' },
      { sub: 'b', client_id: 'a' },
      { sub: 'a","b', client_id: undefined },
      { sub: 'a', client_id: undefined },
      { sub: undefined, client_id: 'a' },
    ]) {
      principals.add((await verifier()(present(await world.sign(claims)))).principal)
    }
    expect(principals.size).toBe(5)
  })
})

describe('refuses', () => {
  const cases: readonly [string, string, () => Promise<string>][] = [
    ['an expired token', 'expired', () => world.sign({ exp: world.now / 1000 - 31 })],
    ['a token that ends by nothing', 'missing_claim', () => world.sign({ exp: undefined })],
    ['a token that is not valid yet (nbf)', 'not_yet_valid', () => world.sign({ nbf: world.now / 1000 + 31 })],
    ['a token issued in the future', 'not_yet_valid', () => world.sign({ iat: world.now / 1000 + 31 })],
    ['times that are no numbers', 'malformed', () => world.sign({ exp: '9999999999' })],
    ['another issuer', 'wrong_issuer', () => world.sign({ iss: 'https://evil.example.com' })],
    ['an issuer that differs by a slash', 'wrong_issuer', () => world.sign({ iss: `${ISSUER}/` })],
    ['no issuer', 'missing_claim', () => world.sign({ iss: undefined })],
    [
      'field V6: an audience that only begins like ours',
      'wrong_audience',
      () => world.sign({ aud: `${RESOURCE}/other` }),
    ],
    ['field V6: our audience inside another text', 'wrong_audience', () => world.sign({ aud: `x ${RESOURCE}` })],
    [
      'several audiences without ours',
      'wrong_audience',
      () => world.sign({ aud: ['https://a.example', 'https://b.example'] }),
    ],
    ['field V6: an empty list of audiences', 'wrong_audience', () => world.sign({ aud: [] })],
    ['no audience', 'missing_claim', () => world.sign({ aud: undefined })],
    ['null for an audience', 'missing_claim', () => world.sign({ aud: null })],
    ['a subject that is a number', 'malformed', () => world.sign({ sub: 42 })],
    ['a subject that is a list', 'malformed', () => world.sign({ sub: ['alice'] })],
    ['a client that is a number', 'malformed', () => world.sign({ client_id: 42 })],
    ['neither subject nor client', 'missing_claim', () => world.sign({ sub: undefined, client_id: '' })],
    ['typ JWT', 'wrong_type', () => world.sign({}, { header: { typ: 'JWT' } })],
    ['no typ', 'wrong_type', () => world.sign({}, { header: { typ: undefined } })],
    ['a proof of possession as a token', 'wrong_type', () => world.sign({}, { header: { typ: 'dpop+jwt' } })],
    ['an ID token by at_hash', 'wrong_type', () => world.sign({ at_hash: 'x' })],
    ['an ID token by nonce', 'wrong_type', () => world.sign({ nonce: 'x' })],
    ['a bound token as a bearer token', 'binding_mismatch', () => world.sign({ cnf: { jkt: 'x' } })],
    ['a token bound to a certificate', 'binding_mismatch', () => world.sign({ cnf: { 'x5t#S256': 'x' } })],
    ['a cnf that is no object', 'binding_mismatch', () => world.sign({ cnf: 'x' })],
    ['extensions of the signature', 'malformed', () => world.sign({}, { header: { crit: ['exp'], exp: 1 } })],
    ['what is no JWT', 'malformed', async () => 'opaque-token-of-somebody'],
    ['an encrypted JWT', 'malformed', async () => `${base64url({ alg: 'dir', enc: 'A256GCM' })}..aXY.Y2lwaGVy.dGFn`],
    ['a JWT that is too long', 'malformed', () => world.sign({ note: 'x'.repeat(20_000) })],
    [
      'claims that are a list',
      'malformed',
      async () => `${base64url({ alg: 'ES256' })}.${base64url([1])}.${base64url('s')}`,
    ],
  ]
  it.each(cases)('%s', async (_name, code, make) => {
    const error = await refusal(verifier()(present(await make())))
    expect(error).toMatchObject({ code, challengeError: 'invalid_token', unavailable: false })
  })

  it('alg none, with and without a signature', async () => {
    const signed = await world.sign()
    for (const alg of ['none', 'None', 'NONE']) {
      const unsigned = `${base64url({ alg, typ: 'at+jwt' })}.${signed.split('.')[1]}.`
      for (const token of [unsigned, `${unsigned}${signed.split('.')[2]}`]) {
        expect(await refusal(verifier()(present(token)))).toMatchObject({ code: 'algorithm_refused' })
      }
    }
  })

  it.each(['HS256', 'HS384', 'HS512'])('%s with the public key for a secret', async alg => {
    const { publicJwk } = world.keys[0]!
    for (const secret of [JSON.stringify(publicJwk), publicJwk.x ?? '']) {
      const token = await new CompactSign(Buffer.from(JSON.stringify(world.claims())))
        .setProtectedHeader({ alg, typ: 'at+jwt', kid: 'one' })
        .sign(Buffer.from(secret.padEnd(64, ' ')))
      expect(await refusal(verifier()(present(token)))).toMatchObject({ code: 'algorithm_refused' })
      expect(world.fetched).toEqual([])
    }
  })

  it('a key of another kind than the algorithm', async () => {
    const [signed, other] = [await world.sign(), await makeKey('RS256', 'one')]
    world.keys = [other]
    expect(await refusal(verifier()(present(signed)))).toMatchObject({ code: 'keys_unavailable' })
    world.now += 120_000
    expect(await refusal(verifier()(present(signed)))).toMatchObject({ code: 'unknown_key' })
  })

  it('an algorithm that is not on a shorter list', async () => {
    const error = await refusal(verifier({ algorithms: ['RS256'] })(present(await world.sign())))
    expect(error).toMatchObject({ code: 'algorithm_refused', detail: { expected: 'RS256', received: 'ES256' } })
  })

  it('a changed claim, and a signature by another key under the same name', async () => {
    const [header, , signature] = (await world.sign()).split('.')
    const changed = `${header}.${base64url(world.claims({ sub: 'root' }))}.${signature}`
    expect(await refusal(verifier()(present(changed)))).toMatchObject({ code: 'bad_signature' })
    const forged = await world.sign({}, { key: await makeKey('ES256', 'one', 'thief') })
    expect(await refusal(verifier()(present(forged)))).toMatchObject({ code: 'bad_signature' })
  })

  it('the DPoP scheme where no proofs are checked', async () => {
    const error = await refusal(verifier()(present(await world.sign(), { scheme: 'dpop' })))
    expect(error).toMatchObject({ code: 'binding_mismatch' })
  })

  it('everything when no audience is configured', async () => {
    const error = await refusal(verifier()(present(await world.sign(), { audience: [] })))
    expect(error).toMatchObject({ code: 'wrong_audience' })
  })

  it('a token with a required claim missing', async () => {
    const error = await refusal(verifier({ requiredClaims: ['tenant'] })(present(await world.sign())))
    expect(error).toMatchObject({ code: 'missing_claim', detail: { expected: 'tenant' } })
  })
})

describe('reads generously', () => {
  it.each([
    ['one audience of several', { aud: ['https://other.example.com', RESOURCE] }],
    [
      'clocks that differ by half a minute',
      { exp: Date.UTC(2030, 0, 1) / 1000 - 29, nbf: Date.UTC(2030, 0, 1) / 1000 + 29 },
    ],
    ['null where a claim may be absent', { nbf: null, cnf: null, nonce: null }],
  ])('%s', async (_name, claims) => {
    expect((await verifier()(present(await world.sign(claims)))).subject).toBe('alice')
  })

  it.each<[string, Record<string, unknown>, Partial<JwtVerifierOptions>, readonly string[]]>([
    ['scp as text (Entra ID)', { scope: undefined, scp: 'a b' }, {}, ['a', 'b']],
    ['scp as a list (Okta)', { scope: undefined, scp: ['a', 'b'] }, {}, ['a', 'b']],
    ['scope as a list', { scope: ['a', 'b', 1] }, {}, ['a', 'b']],
    ['permissions (Auth0)', { scope: 'a', permissions: ['b'] }, { scopeClaims: ['scope', 'permissions'] }, ['a', 'b']],
    ['no scopes', { scope: undefined }, {}, []],
    ['a scope twice', { scope: 'a  a ', scp: 'a' }, {}, ['a']],
  ])('%s', async (_name, claims, options, scopes) => {
    expect((await verifier(options)(present(await world.sign(claims)))).scopes).toEqual(scopes)
  })

  it('subject and client under other names', async () => {
    const token = await world.sign({ sub: 'pairwise', oid: 'o-1', client_id: undefined, azp: 'spa' })
    expect(await verifier({ subjectClaim: 'oid' })(present(token))).toMatchObject({ subject: 'o-1', clientId: 'spa' })
  })

  it('an audience under another name (Cognito)', async () => {
    const token = await world.sign({ aud: undefined, token_use: 'access' }, { header: { typ: undefined } })
    const verify = verifier({ typ: 'any', audienceClaim: 'client_id' })
    expect((await verify(present(token, { audience: ['app'] }))).clientId).toBe('app')
    expect(await refusal(verify(present(token, { audience: ['another'] })))).toMatchObject({ code: 'wrong_audience' })
  })
})

describe("typ: 'any'", () => {
  const verify = (token: string) => verifier({ typ: 'any' })(present(token))
  it.each([['JWT'], [undefined], ['at+jwt']])('takes typ %s', async typ => {
    expect((await verify(await world.sign({}, { header: { typ } }))).subject).toBe('alice')
  })

  it.each(['dpop+jwt', 'logout+jwt', 'secevent+jwt', 'oauth-id-jag+jwt', 'token-introspection+jwt'])(
    'still refuses typ %s',
    async typ => {
      expect(await refusal(verify(await world.sign({}, { header: { typ } })))).toMatchObject({ code: 'wrong_type' })
    },
  )

  it.each<[string, Record<string, unknown>]>([
    ['by nonce', { nonce: 'n' }],
    ['by at_hash', { at_hash: 'h' }],
    ['by c_hash', { c_hash: 'h' }],
    ["by Keycloak's typ", { typ: 'ID' }],
    ["by Keycloak's refresh token's typ", { typ: 'Refresh' }],
    ["by Cognito's token_use", { token_use: 'id' }],
    ["by a logout token's events", { events: {} }],
  ])('still refuses an ID or other token for our audience: %s', async (_name, claims) => {
    const token = await world.sign(claims, { header: { typ: 'JWT' } })
    expect(await refusal(verify(token))).toMatchObject({ code: 'wrong_type' })
  })

  it('takes an access token of Keycloak that repeats the nonce and says that it is one', async () => {
    const token = await world.sign({ typ: 'Bearer', nonce: 'n' }, { header: { typ: 'JWT' } })
    expect((await verify(token)).subject).toBe('alice')
  })
})

describe('what a verifier lets out', () => {
  it('errors never hold the token, its claims or its signature', async () => {
    const forged = await world.sign({}, { key: await makeKey('ES256', 'one', 'thief') })
    for (const token of [forged, await world.sign({ aud: 'x' }), `${forged}~`, await world.sign({ exp: 1 })]) {
      const error = await refusal(verifier()(present(token)))
      const text = inspect(error, { depth: 10 }) + JSON.stringify(error) + String(error.stack)
      for (const secret of [token, CANARY, ...token.split('.').slice(1)]) expect(text).not.toContain(secret)
    }
  })

  it('claims in errors are cut and made printable', async () => {
    const error = await refusal(verifier()(present(await world.sign({ iss: `\u001b[31m${'x'.repeat(5_000)}` }))))
    expect(error.detail.received?.length).toBeLessThanOrEqual(200)
    // oxlint-disable-next-line no-control-regex
    expect(error.detail.received).not.toMatch(/[\u0000-\u001f]/)
  })

  it('says of a slash at the end that it is one', async () => {
    const error = await refusal(verifier()(present(await world.sign({ aud: `${RESOURCE}/` }))))
    expect(error.detail.hint).toContain('slash')
  })
})

describe('options that cannot work are refused at once', () => {
  it.each<[string, Partial<JwtVerifierOptions>]>([
    ['an issuer over http', { issuer: 'http://as.example.com' }],
    ['an issuer that is no URL', { issuer: 'as' }],
    ['keys over http', { jwksUri: 'http://as.example.com/keys' }],
    ['no algorithm', { algorithms: [] }],
    ['a shared secret', { algorithms: ['HS256' as 'RS256'] }],
    ['none', { algorithms: ['none' as 'RS256'] }],
  ])('%s', (_name, options) => {
    expect(() => verifier(options)).toThrow(expect.objectContaining({ name: 'TokenError', code: 'configuration' }))
  })

  it('an issuer that is no URL will do where the keys are named', async () => {
    const verify = verifier({ issuer: 'accounts.example.com', jwksUri: JWKS_URI })
    expect((await verify(present(await world.sign({ iss: 'accounts.example.com' })))).issuer).toBe(
      'accounts.example.com',
    )
  })
})
