import fc from 'fast-check'
import { expect, it } from 'vitest'
import { verifyDpopProof } from '../../src/resource-server/dpop-proof.ts'
import { introspectionVerifier } from '../../src/resource-server/introspection-verifier.ts'
import { isEncryptedJwt, parseJwt } from '../../src/resource-server/jwt.ts'
import { jwtVerifier } from '../../src/resource-server/jwt-verifier.ts'
import { sameTarget } from '../../src/resource-server/same-target.ts'
import { base64url, ISSUER, IssuerWorld, JWKS_URI, makeKey, present, refusal, RESOURCE } from './issuer-world.ts'

const json = fc.json().map(text => JSON.parse(text) as unknown)
const part = fc.oneof(fc.string(), json.map(base64url), fc.base64String(), fc.constant(''))
const jwtLike = fc.oneof(
  fc.string(),
  fc.tuple(part, part, part).map(parts => parts.join('.')),
)
/** Claims with the names that matter and any value. */
const claims = fc.dictionary(
  fc.constantFrom(
    'iss',
    'aud',
    'sub',
    'client_id',
    'exp',
    'nbf',
    'iat',
    'cnf',
    'scope',
    'scp',
    'typ',
    'token_use',
    'nonce',
    'active',
    'token_type',
    '__proto__',
  ),
  fc.oneof(json, fc.constant(RESOURCE), fc.constant(ISSUER), fc.double(), fc.integer()),
)

it('nothing that is sent for a JWT throws when it is taken apart', () => {
  fc.assert(
    fc.property(jwtLike, text => {
      parseJwt(text)
      isEncryptedJwt(text)
      sameTarget(text, RESOURCE)
    }),
  )
})

it('a JWT that is taken apart says what was put together', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), fc.dictionary(fc.string(), fc.string()), (header, payload) => {
      const parsed = parseJwt(`${base64url(header)}.${base64url(payload)}.c2ln`)
      expect(JSON.stringify(parsed)).toBe(JSON.stringify({ header, claims: payload }))
    }),
  )
})

it('whatever is presented for a JWT is refused with a code', async () => {
  const world = await IssuerWorld.start()
  const verify = jwtVerifier({ ...world.options, jwksUri: JWKS_URI })
  await fc.assert(
    fc.asyncProperty(jwtLike, async token => {
      expect((await refusal(verify(present(token)))).name).toBe('TokenError')
    }),
  )
})

it('whatever an issuer signs is accepted or refused with a code, and what is accepted is whole', async () => {
  const world = await IssuerWorld.start()
  const verify = jwtVerifier({ ...world.options, jwksUri: JWKS_URI, typ: 'any' })
  await fc.assert(
    fc.asyncProperty(claims, async changes => {
      const token = await world.sign(changes)
      const outcome = await verify(present(token)).catch((error: unknown) => refusal(Promise.reject(error as Error)))
      if (outcome.constructor.name === 'TokenError') return
      expect(outcome).toMatchObject({ issuer: ISSUER, principal: expect.stringMatching(/.+/), token })
    }),
  )
})

it('whatever an introspection endpoint answers is accepted or refused with a code', async () => {
  const answers = fc.oneof(
    fc.string(),
    json.map(value => JSON.stringify(value)),
    claims.map(value => JSON.stringify({ ...value, active: true })),
  )
  await fc.assert(
    fc.asyncProperty(answers, async body => {
      const verify = introspectionVerifier({
        endpoint: 'https://as.example.com/introspect',
        client: () => undefined,
        fetch: async () => new Response(body),
      })
      await verify(present('token')).catch((error: unknown) => refusal(Promise.reject(error as Error)))
    }),
  )
})

it('whatever is sent for a proof is refused with a code', async () => {
  const expected = { token: 'token', method: 'POST', url: RESOURCE, algorithms: ['ES256', 'RS256', 'EdDSA'] }
  const { publicJwk } = await makeKey('ES256', undefined)
  const jwk = fc.oneof(
    json,
    fc
      .dictionary(fc.constantFrom('kty', 'crv', 'x', 'y', 'n', 'e', 'alg', 'use', 'key_ops', 'ext'), json)
      .map(more => ({ ...publicJwk, ...more })),
  )
  const header = fc.record({
    typ: fc.constantFrom('dpop+jwt', 'JWT'),
    alg: fc.constantFrom('ES256', 'RS256', 'EdDSA', 'none'),
    jwk,
  })
  const proof = fc
    .tuple(header.map(base64url), fc.oneof(part, claims.map(base64url)), part)
    .map(parts => parts.join('.'))
  await fc.assert(
    fc.asyncProperty(fc.oneof(jwtLike, proof), async text => {
      expect(await refusal(verifyDpopProof([text], expected))).toMatchObject({ code: 'invalid_dpop_proof' })
    }),
  )
})
