import { inspect } from 'node:util'
import { CompactSign } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { createDpopNonces } from '../../src/resource-server/dpop-nonces.ts'
import { jwtVerifier } from '../../src/resource-server/jwt-verifier.ts'
import { createMemoryReplayCache } from '../../src/resource-server/replay-cache.ts'
import type { PresentedToken } from '../../src/resource-server/token-verifier.ts'
import { type DpopOptions, withDpop } from '../../src/resource-server/with-dpop.ts'
import { hashOf, type ProofMaker, proofMaker } from './client-proofs.ts'
import { base64url, IssuerWorld, JWKS_URI, present, refusal, RESOURCE } from './issuer-world.ts'

let world: IssuerWorld
let client: ProofMaker
let token: string
beforeEach(async () => {
  world = await IssuerWorld.start()
  client = await proofMaker()
  token = await world.sign({ cnf: { jkt: client.thumbprint }, exp: world.now / 1000 + 7_200 })
})

const verifier = (options: DpopOptions = {}) =>
  withDpop(jwtVerifier({ ...world.options, jwksUri: JWKS_URI }), { now: () => world.now, ...options })

const withProofs = (...dpopProofs: readonly string[]): PresentedToken =>
  present(token, { scheme: 'dpop', request: { method: 'POST', url: RESOURCE, dpopProofs } })

const proof = (claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): Promise<string> =>
  client.make({ token, now: world.now, claims, header })

it('a refused proof is shown without what a terminal would obey', async () => {
  const error = await refusal(verifier()(withProofs(await proof({ jti: undefined, '\u001B[2Jjti\u202E': 1 }))))
  expect(error).toMatchObject({ code: 'invalid_dpop_proof', detail: { expected: 'jti and iat' } })
  expect(error.detail.received).toContain('jti')
  expect(error.detail.received).not.toMatch(/[\p{Cc}\p{Cf}]/u)
})

describe('a bound token', () => {
  it('is accepted with a proof of its key', async () => {
    expect(await verifier()(withProofs(await proof()))).toMatchObject({ subject: 'alice', token })
  })

  it.each(['ES256', 'EdDSA', 'ES384', 'ES512', 'PS256', 'RS256'])(
    'is accepted with a proof signed with %s',
    async alg => {
      client = await proofMaker(alg)
      token = await world.sign({ cnf: { jkt: client.thumbprint } })
      expect((await verifier()(withProofs(await proof()))).subject).toBe('alice')
    },
  )

  it.each([
    ['query and fragment', `${RESOURCE}?a=b#c`],
    ['case of scheme and host', 'HTTPS://Files.Example.COM/mcp'],
    ['the default port', 'https://files.example.com:443/mcp'],
    ['dot segments', 'https://files.example.com/x/../mcp'],
    ['escapes of what needs none', 'https://files.example.com/%6dcp'],
  ])('is accepted whatever htu says of %s', async (_name, htu) => {
    expect((await verifier()(withProofs(await proof({ htu })))).subject).toBe('alice')
  })

  it.each([60, -300])('is accepted when the clock of the client is %s seconds off', async seconds => {
    expect((await verifier()(withProofs(await proof({ iat: world.now / 1000 + seconds })))).subject).toBe('alice')
  })
})

describe('refuses a proof (RFC 9449 §4.3)', () => {
  const cases: readonly [string, () => Promise<readonly string[]>][] = [
    ['that is missing', async () => []],
    ['that is not the only one', async () => [await proof(), await proof()]],
    ['that is no JWT', async () => ['proof']],
    ['that is too long', async () => [await proof({ note: 'x'.repeat(10_000) })]],
    ['of another type', async () => [await proof({}, { typ: 'at+jwt' })]],
    ['without a type', async () => [await proof({}, { typ: undefined })]],
    ['with extensions', async () => [await proof({}, { crit: ['exp'], exp: 1 })]],
    ['without a key', async () => [await proof({}, { jwk: undefined })]],
    ['with a key that is no object', async () => [await proof({}, { jwk: 'key' })]],
    ['with a private key', async () => [await proof({}, { jwk: { ...client.publicJwk, d: 'AA' } })]],
    [
      'with a key that is too large',
      async () => [await proof({}, { jwk: { kty: 'RSA', n: 'x'.repeat(700), e: 'AQAB' } })],
    ],
    [
      'with an exponent that is too large',
      async () => [await proof({}, { jwk: { kty: 'RSA', n: 'x'.repeat(342), e: 'x'.repeat(99) } })],
    ],
    [
      'signed by another key than it names',
      async () => [await proof({}, { jwk: (await proofMaker('ES256', 'b')).publicJwk })],
    ],
    ['changed after it was signed', async () => [changed(await proof(), { htm: 'POST', htu: RESOURCE, jti: 'new' })]],
    ['without jti', async () => [await proof({ jti: undefined })]],
    ['with an empty jti', async () => [await proof({ jti: '' })]],
    ['with an endless jti', async () => [await proof({ jti: 'x'.repeat(2_000) })]],
    ['without iat', async () => [await proof({ iat: undefined })]],
    ['with an iat that is no number', async () => [await proof({ iat: '1' })]],
    ['without htm', async () => [await proof({ htm: undefined })]],
    ['for another method', async () => [await proof({ htm: 'GET' })]],
    ['for the method in other letters', async () => [await proof({ htm: 'post' })]],
    ['without htu', async () => [await proof({ htu: undefined })]],
    ['for another path', async () => [await proof({ htu: `${RESOURCE}/` })]],
    ['for a path that differs in case', async () => [await proof({ htu: 'https://files.example.com/MCP' })]],
    ['for another host', async () => [await proof({ htu: 'https://evil.example.com/mcp' })]],
    ['for another port', async () => [await proof({ htu: 'https://files.example.com:8443/mcp' })]],
    ['for another scheme', async () => [await proof({ htu: 'http://files.example.com/mcp' })]],
    ['for a URL with a user name', async () => [await proof({ htu: 'https://a@files.example.com/mcp' })]],
    ['for what is no URL', async () => [await proof({ htu: '/mcp' })]],
    ['without ath', async () => [await proof({ ath: undefined })]],
    ['for another token', async () => [await proof({ ath: await hashOf('another') })]],
    ['that is too old', async () => [await proof({ iat: world.now / 1000 - 301 })]],
    ['from the future', async () => [await proof({ iat: world.now / 1000 + 61 })]],
  ]
  it.each(cases)('%s', async (_name, make) => {
    const proofs = await make()
    const error = await refusal(verifier()(withProofs(...proofs)))
    expect(error).toMatchObject({ code: 'invalid_dpop_proof', challengeError: 'invalid_dpop_proof' })
    const text = inspect(error, { depth: 10 })
    for (const secret of [token, ...proofs.filter(each => each.length > 10)]) expect(text).not.toContain(secret)
  })

  it('that is further off than it may be, either way', async () => {
    const verify = verifier({ maxAgeSeconds: 30 })
    for (const seconds of [30, -30]) await verify(withProofs(await proof({ iat: world.now / 1000 + seconds })))
    for (const seconds of [31, -31])
      expect(await refusal(verify(withProofs(await proof({ iat: world.now / 1000 + seconds }))))).toMatchObject({
        code: 'invalid_dpop_proof',
        detail: { expected: 'iat from 30 s ago to 30 s ahead' },
      })
  })

  it('with algorithm none or a shared secret', async () => {
    const payload = (await proof()).split('.')[1]!
    const header = { typ: 'dpop+jwt', jwk: client.publicJwk }
    const unsigned = `${base64url({ ...header, alg: 'none' })}.${payload}.`
    const secret = { kty: 'oct', k: base64url('x'.repeat(32)) }
    const symmetric = await new CompactSign(Buffer.from(payload, 'base64url'))
      .setProtectedHeader({ ...header, alg: 'HS256', jwk: secret })
      .sign(Buffer.from('x'.repeat(32)))
    const disguised = await proof({}, { jwk: secret })
    for (const each of [unsigned, symmetric, disguised])
      expect(await refusal(verifier()(withProofs(each)))).toMatchObject({ code: 'invalid_dpop_proof' })
  })

  it('with a private key, extensions or too large a key before its signature is looked at', async () => {
    const expectations: readonly [Record<string, unknown>, string][] = [
      [{ jwk: { ...client.publicJwk, d: 'AA' } }, 'not public'],
      [{ crit: ['exp'], exp: 1 }, 'extensions'],
      [{ jwk: { kty: 'RSA', n: 'x'.repeat(700), e: 'AQAB' } }, 'too large'],
      [{ jwk: { kty: 'RSA', n: 'x'.repeat(342), e: 'x'.repeat(99) } }, 'too large'],
    ]
    for (const [header, problem] of expectations)
      expect((await refusal(verifier()(withProofs(await proof({}, header))))).message).toContain(problem)
  })

  it('with an algorithm that is not on a shorter list', async () => {
    const error = await refusal(verifier({ algorithms: ['EdDSA'] })(withProofs(await proof())))
    expect(error).toMatchObject({ code: 'invalid_dpop_proof', detail: { expected: 'EdDSA', received: 'ES256' } })
  })

  it('that came before, until it would be too old anyway', async () => {
    const verify = verifier()
    const used = await proof({ iat: world.now / 1000 + 60 })
    await verify(withProofs(used))
    for (const seconds of [0, 180, 180]) {
      world.now += seconds * 1000
      expect(await refusal(verify(withProofs(used)))).toMatchObject({ code: 'invalid_dpop_proof' })
    }
  })

  it('that came before, however often at once', async () => {
    const [verify, used] = [verifier(), await proof()]
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => verify(withProofs(used))))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('that came before from the same key, not one that another client named alike', async () => {
    const verify = verifier()
    await verify(withProofs(await proof({ jti: 'same' })))
    expect(await refusal(verify(withProofs(await proof({ jti: 'same' }))))).toMatchObject({
      code: 'invalid_dpop_proof',
    })
    client = await proofMaker('ES256', 'second client')
    token = await world.sign({ cnf: { jkt: client.thumbprint } })
    expect((await verify(withProofs(await proof({ jti: 'same' })))).subject).toBe('alice')
  })

  it('is not remembered when something else is wrong with the request', async () => {
    const claimed: string[] = []
    const replay = { claim: async (key: string) => (claimed.push(key), true) }
    const verify = verifier({ replay })
    await refusal(verify(withProofs(await proof({ htm: 'GET' }))))
    token = await world.sign({ cnf: { jkt: client.thumbprint }, exp: 1 })
    await refusal(verify(withProofs(await proof())))
    expect(claimed).toEqual([])
  })

  it('for no reason of what other keys have used: whoever fills the memory does so at their own expense', async () => {
    const now = (): number => world.now
    const verify = verifier({ replay: createMemoryReplayCache({ maxEntries: 4, now }) })
    const honest = [client, token] as const
    client = await proofMaker('ES256', 'who fills it')
    token = await world.sign({ cnf: { jkt: client.thumbprint } })
    const filling = await Promise.all(
      Array.from({ length: 8 }, (_each, index) => proof({ iat: world.now / 1000 + 53 + index })),
    )
    for (const each of filling) await verify(withProofs(each))
    for (const each of filling)
      expect(await refusal(verify(withProofs(each)))).toMatchObject({ code: 'invalid_dpop_proof' })
    ;[client, token] = honest
    const used = await proof()
    expect((await verify(withProofs(used))).subject).toBe('alice')
    expect(await refusal(verify(withProofs(used)))).toMatchObject({ code: 'invalid_dpop_proof' })
    expect((await verify(withProofs(await proof()))).subject).toBe('alice')
  })

  it('when nobody knows whether it came before, which is no fault of the token', async () => {
    const replay = { claim: () => Promise.reject(new Error('Redis is away')) }
    const error = await refusal(verifier({ replay })(withProofs(await proof())))
    expect(error).toMatchObject({ code: 'replay_cache_unavailable', unavailable: true })
  })
})

describe('refuses a token (RFC 9449 §7)', () => {
  it('bound to another key than that of the proof', async () => {
    client = await proofMaker('ES256', 'thief')
    expect(await refusal(verifier()(withProofs(await proof())))).toMatchObject({
      code: 'binding_mismatch',
      challengeError: 'invalid_token',
    })
  })

  it('that is bound, under the Bearer scheme, even with a proof', async () => {
    const bearer = { ...withProofs(await proof()), scheme: 'bearer' as const }
    for (const presented of [bearer, present(token)])
      expect(await refusal(verifier()(presented))).toMatchObject({ code: 'binding_mismatch' })
  })

  it('that is not bound, under the DPoP scheme', async () => {
    token = await world.sign()
    expect(await refusal(verifier()(withProofs(await proof())))).toMatchObject({ code: 'binding_mismatch' })
  })

  it.each([{ jkt: 1 }, { jkt: '' }])('whose binding cannot be read: %o', async cnf => {
    token = await world.sign({ cnf })
    for (const scheme of ['dpop', 'bearer'] as const)
      expect(await refusal(verifier()({ ...withProofs(await proof()), scheme }))).toMatchObject({ code: 'malformed' })
  })

  it('that is bound to a certificate as well, which nobody checks', async () => {
    token = await world.sign({ cnf: { jkt: client.thumbprint, 'x5t#S256': 'x' } })
    expect(await refusal(verifier()(withProofs(await proof())))).toMatchObject({ code: 'binding_mismatch' })
    const presented = { ...withProofs(await proof()), confirms: ['x5t#S256'] }
    expect((await verifier()(presented)).subject).toBe('alice')
  })

  it('that is not bound, as a bearer token, where proofs are required', async () => {
    token = await world.sign()
    expect((await verifier()(present(token))).subject).toBe('alice')
    expect(await refusal(verifier({ required: true })(present(token)))).toMatchObject({ code: 'binding_mismatch' })
  })

  it('whatever is wrong with the token is found as without proofs', async () => {
    token = await world.sign({ cnf: { jkt: client.thumbprint }, aud: 'x' })
    expect(await refusal(verifier()(withProofs(await proof())))).toMatchObject({ code: 'wrong_audience' })
  })
})

describe('server nonces (RFC 9449 §9)', () => {
  it('a proof without, or with an old or made-up one is answered with the current one', async () => {
    const verify = verifier({ nonces: 'required' })
    const first = await refusal(verify(withProofs(await proof())))
    expect(first).toMatchObject({ code: 'use_dpop_nonce', challengeError: 'use_dpop_nonce' })
    const nonce = first.detail.dpopNonce!
    expect(nonce).toBe(await verify.dpop?.nonce?.())
    expect((await verify(withProofs(await proof({ nonce })))).subject).toBe('alice')
    expect(await refusal(verify(withProofs(await proof({ nonce: `${nonce}x` }))))).toMatchObject({
      code: 'use_dpop_nonce',
    })
    world.now += 120_000
    expect(await refusal(verify(withProofs(await proof({ nonce }))))).toMatchObject({ code: 'use_dpop_nonce' })
  })

  it('tell the age of a proof, whatever the clock of the client says', async () => {
    const verify = verifier({ nonces: 'required' })
    const used = await proof({ nonce: await verify.dpop?.nonce?.(), iat: 1 })
    expect((await verify(withProofs(used))).subject).toBe('alice')
    expect(await refusal(verify(withProofs(used)))).toMatchObject({ code: 'invalid_dpop_proof' })
  })

  it('of one machine are known to another with the same key, and to none with another', async () => {
    const key = crypto.getRandomValues(new Uint8Array(32))
    const now = () => world.now
    const [one, two, stranger] = [
      createDpopNonces({ key, now }),
      createDpopNonces({ key, now }),
      createDpopNonces({ now }),
    ]
    const nonce = await one.current()
    expect(await two.acceptedUntil(nonce)).toBeGreaterThan(world.now)
    expect(await stranger.acceptedUntil(nonce)).toBeUndefined()
  })

  it('are accepted for one to two lifetimes, and from a machine that is ahead', async () => {
    const nonces = createDpopNonces({ now: () => world.now })
    world.now += 60_000
    const nonce = await nonces.current()
    const until = (await nonces.acceptedUntil(nonce))!
    world.now = until - 1
    expect(await nonces.acceptedUntil(nonce)).toBe(until)
    world.now = until
    expect(await nonces.acceptedUntil(nonce)).toBeUndefined()
    world.now = until - 120_001
    expect(await nonces.acceptedUntil(nonce)).toBe(until)
  })

  it('change', async () => {
    const nonces = createDpopNonces({ now: () => world.now })
    const seen = new Set<string>()
    for (let minute = 0; minute < 5; minute++, world.now += 60_000) seen.add(await nonces.current())
    expect(seen.size).toBe(5)
    for (const nonce of seen) expect(nonce).toMatch(/^[\w-]{22}$/)
  })

  it('are not made with a key that can be guessed', () => {
    expect(() => createDpopNonces({ key: new Uint8Array(31) })).toThrow(
      expect.objectContaining({ code: 'configuration' }),
    )
  })
})

describe('what is said of proofs', () => {
  it('by a verifier that checks them, and by none else', async () => {
    const verify = verifier({ required: true, algorithms: ['ES256'] })
    expect(verify.dpop).toEqual({ required: true, algorithms: ['ES256'] })
    expect(verify.recognizes?.(token)).toBe('yes')
    expect(jwtVerifier(world.options).dpop).toBeUndefined()
  })

  it.each<[string, () => unknown]>([
    ['proofs checked twice', () => withDpop(verifier())],
    ['no algorithm', () => verifier({ algorithms: [] })],
    ['a shared secret', () => verifier({ algorithms: ['HS256' as 'ES256'] })],
  ])('%s: refused at once', (_name, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'configuration' }))
  })
})

const changed = (proof: string, claims: object): string => {
  const [header, , signature] = proof.split('.')
  return `${header}.${base64url(claims)}.${signature}`
}
