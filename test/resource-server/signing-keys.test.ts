import { beforeEach, describe, expect, it } from 'vitest'
import { jwtVerifier, type JwtVerifierOptions } from '../../src/resource-server/jwt-verifier.ts'
import {
  COOL_DOWN_MS,
  createSigningKeys,
  FRESH_MS,
  MAX_KEYS,
  MAX_STALE_MS,
} from '../../src/resource-server/signing-keys.ts'
import { ISSUER, IssuerWorld, JWKS_URI, makeKey, present, refusal } from './issuer-world.ts'

let world: IssuerWorld
beforeEach(async () => {
  world = await IssuerWorld.start()
})

const verifier = (options: Partial<JwtVerifierOptions> = {}) => jwtVerifier({ ...world.options, ...options })
const away = (): Promise<Response> => Promise.reject(new TypeError('fetch failed'))
const down = (status: number) => (): Response => new Response('sorry', { status })
/** Lets what was started in the background come to its end. */
const settled = () => new Promise(resolve => setImmediate(resolve))

describe('finds the keys', () => {
  it.each([
    ['RFC 8414', '/.well-known/oauth-authorization-server/tenant', 2],
    ['OpenID Connect with the path behind', '/.well-known/openid-configuration/tenant', 3],
    ['OpenID Connect', '/tenant/.well-known/openid-configuration', 4],
  ])('through the metadata of its issuer: %s', async (_name, path, requests) => {
    world.metadataPath = path
    const verify = verifier()
    await verify(present(await world.sign()))
    await verify(present(await world.sign()))
    expect(world.fetched).toHaveLength(requests)
  })

  it('where they are said to be, without looking at metadata', async () => {
    await verifier({ jwksUri: JWKS_URI })(present(await world.sign()))
    expect(world.fetched).toEqual([JWKS_URI])
  })

  it.each([
    ['of another issuer', { issuer: 'https://evil.example.com' }],
    ['of an issuer that differs by a slash', { issuer: `${ISSUER}/` }],
    ['without jwks_uri', { jwks_uri: undefined }],
    ['with keys over http', { jwks_uri: 'http://as.example.com/keys' }],
  ])('refuses metadata %s, and does not blame the token', async (_name, metadata) => {
    world.metadata = metadata
    const error = await refusal(verifier()(present(await world.sign())))
    expect(error).toMatchObject({ code: 'keys_unavailable', unavailable: true, challengeError: undefined })
    expect(world.fetched.filter(url => !url.includes('/.well-known/'))).toEqual([])
  })

  it('follows no redirect to another origin', async () => {
    world.fault = url =>
      url === JWKS_URI
        ? new Response(null, { status: 302, headers: { location: 'https://evil.example.com/keys' } })
        : undefined
    expect(await refusal(verifier()(present(await world.sign())))).toMatchObject({ code: 'keys_unavailable' })
    expect(world.fetched).not.toContain('https://evil.example.com/keys')
  })

  it('reads no document without end', async () => {
    let pulled = 0
    const endless = () =>
      new ReadableStream({ pull: controller => controller.enqueue(new Uint8Array((pulled++, 65_536))) })
    world.fault = url => (url === JWKS_URI ? new Response(endless()) : undefined)
    expect(await refusal(verifier()(present(await world.sign())))).toMatchObject({ code: 'keys_unavailable' })
    expect(pulled).toBeLessThan(20)
  })

  it('waits no longer than its time limit, whatever the server does', async () => {
    world.fault = () => new Promise<Response>(() => undefined)
    const error = await refusal(verifier({ timeoutMs: 10 })(present(await world.sign())))
    expect(error).toMatchObject({ code: 'keys_unavailable', unavailable: true })
  })

  it('ends the wait of a caller who gives up, with its reason, and goes on for the others', async () => {
    let open!: () => void
    const gate = new Promise<void>(resolve => (open = resolve))
    world.fault = () => gate.then(() => undefined as unknown as Response)
    const verify = verifier()
    const controller = new AbortController()
    const token = await world.sign()
    const [gone, stays] = [verify(present(token, { signal: controller.signal })), verify(present(token))]
    controller.abort(new Error('gone'))
    await expect(gone).rejects.toThrow('gone')
    open()
    expect((await stays).subject).toBe('alice')
  })

  it.each<[string, unknown]>([
    ['a shared secret', { kty: 'oct', k: 'c2VjcmV0', kid: 'one' }],
    ['something that is no key', 'key'],
    ['a key without a kind', { kid: 'one' }],
  ])('takes no notice of %s in the set', async (_name, key) => {
    const usable = world.keys.map(({ publicJwk }) => publicJwk)
    world.fault = url => (url === JWKS_URI ? Response.json({ keys: [key, ...usable] }) : undefined)
    expect((await verifier()(present(await world.sign({}, { header: { kid: undefined } })))).subject).toBe('alice')
    world.fault = url => (url === JWKS_URI ? Response.json({ keys: [key] }) : undefined)
    expect(await refusal(verifier()(present(await world.sign({ iat: 1 }))))).toMatchObject({ code: 'keys_unavailable' })
  })

  it('uses no key whose private part everybody can read', async () => {
    const { publicJwk } = world.keys[0]!
    world.fault = url =>
      url === JWKS_URI ? Response.json({ keys: [{ ...publicJwk, kid: 'one', d: 'AA' }] }) : undefined
    expect(await refusal(verifier()(present(await world.sign({ iat: 1 }))))).toMatchObject({ code: 'keys_unavailable' })
  })

  it(`looks at ${MAX_KEYS} keys at most`, async () => {
    const { publicJwk } = world.keys[0]!
    const others = Array.from({ length: MAX_KEYS }, (_, index) => ({ ...publicJwk, kid: `other-${index}` }))
    world.fault = url =>
      url === JWKS_URI ? Response.json({ keys: [...others, { ...publicJwk, kid: 'one' }] }) : undefined
    expect(await refusal(verifier()(present(await world.sign({ iat: 1 }))))).toMatchObject({ code: 'unknown_key' })
  })

  it('tries every key for a token that names none', async () => {
    world.keys = [await makeKey('ES256', 'one', 'b'), await makeKey('ES256', 'two')]
    const token = await world.sign({}, { key: { ...world.keys[1]!, kid: undefined } })
    expect((await verifier()(present(token))).subject).toBe('alice')
    const forged = await world.sign({}, { key: await makeKey('ES256', undefined, 'thief') })
    expect(await refusal(verifier()(present(forged)))).toMatchObject({ code: 'bad_signature' })
  })
})

it('tries no more than eight keys for a token that names none', async () => {
  const others = await Promise.all(
    Array.from({ length: 8 }, (_, index) => makeKey('ES256', `k${index}`, `other-${index}`)),
  )
  const own = await makeKey('ES256', 'one')
  const token = await world.sign({}, { key: { ...own, kid: undefined } })
  world.keys = [...others.slice(0, 7), own]
  expect((await verifier()(present(token))).subject).toBe('alice')
  world.keys = [...others, own]
  expect(await refusal(verifier()(present(token)))).toMatchObject({ code: 'bad_signature' })
})

it('gives what another caller has read meanwhile, instead of reading again', async () => {
  const keys = createSigningKeys({ ...world.options, jwksUri: JWKS_URI })
  const known = await keys.current()
  expect(await keys.newerThan(known)).toBeUndefined()
  world.now += COOL_DOWN_MS
  const newer = await keys.newerThan(known)
  expect(await keys.newerThan(known)).toBe(newer)
  expect(newer).not.toBe(known)
  expect(world.jwksFetches).toBe(2)
})

describe('key rotation', () => {
  it('a token with a new key makes one reading, for everybody, and old tokens stay valid', async () => {
    const verify = verifier()
    const old = await world.sign()
    await verify(present(old))
    world.now += COOL_DOWN_MS
    world.keys.push(await makeKey('ES256', 'two', 'b'))
    const next = await world.sign({}, { key: world.keys[1]! })
    await Promise.all(Array.from({ length: 20 }, () => verify(present(next))))
    expect((await verify(present(old))).subject).toBe('alice')
    expect(world.jwksFetches).toBe(2)
  })

  it('a withdrawn key is no longer taken once the keys are read anew', async () => {
    const verify = verifier()
    const old = await world.sign({ exp: world.now / 1000 + 7_200 })
    await verify(present(old))
    world.keys = [await makeKey('ES256', 'two', 'b')]
    world.now += 2 * FRESH_MS
    expect(await refusal(verify(present(old)))).toMatchObject({ code: 'unknown_key' })
  })

  it('keys are read anew behind the scenes when they are ten minutes old', async () => {
    const verify = verifier()
    await verify(present(await world.sign()))
    world.now += FRESH_MS
    let open!: () => void
    const gate = new Promise<void>(resolve => (open = resolve))
    world.fault = () => gate.then(() => undefined as unknown as Response)
    expect((await verify(present(await world.sign()))).subject).toBe('alice')
    open()
    await settled()
    expect(world.jwksFetches).toBe(2)
  })

  it('a flood of unknown keys makes two readings a minute', async () => {
    const verify = verifier()
    await verify(present(await world.sign()))
    const flood = await Promise.all(
      Array.from({ length: 50 }, (_, index) => world.sign({ iat: 1 }, { header: { kid: `made-up-${index}` } })),
    )
    for (let second = 0; second < 60; second += 1) {
      for (const token of flood.slice(0, 5)) {
        expect(await refusal(verify(present(token)))).toMatchObject({
          code: 'unknown_key',
          challengeError: 'invalid_token',
        })
      }
      world.now += 1_000
    }
    await Promise.allSettled(flood.map(token => verify(present(token))))
    expect(world.jwksFetches).toBeLessThanOrEqual(1 + 60_000 / COOL_DOWN_MS)
    expect(world.fetched.length - world.jwksFetches).toBe(1)
  })

  it('a token newer than the keys is not called bad while they may not be read again', async () => {
    const verify = verifier()
    await verify(present(await world.sign()))
    world.keys.push(await makeKey('ES256', 'two', 'b'))
    world.now += 5_000
    const next = await world.sign({}, { key: world.keys[1]! })
    const error = await refusal(verify(present(next)))
    expect(error).toMatchObject({
      code: 'keys_unavailable',
      unavailable: true,
      detail: { retryAfterMs: COOL_DOWN_MS - 5_000 },
    })
    world.now += COOL_DOWN_MS
    expect((await verify(present(next))).subject).toBe('alice')
  })

  it('another key under the same name is found, as after the restart of a development server', async () => {
    const verify = verifier()
    await verify(present(await world.sign()))
    world.now += COOL_DOWN_MS
    world.keys = [await makeKey('ES256', 'one', 'b')]
    expect((await verify(present(await world.sign()))).subject).toBe('alice')
  })
})

describe('an issuer that is away', () => {
  it.each([
    ['does not answer', away],
    ['answers 503', down(503)],
    ['answers 429', down(429)],
    ['answers with a page', down(200)],
    ['forgot its documents', down(404)],
  ])('known keys go on working for a day when it %s', async (_name, fault) => {
    const verify = verifier()
    await verify(present(await world.sign()))
    world.fault = fault
    for (const age of [FRESH_MS, 3 * FRESH_MS, MAX_STALE_MS / 2, MAX_STALE_MS - 4 * FRESH_MS - MAX_STALE_MS / 2 - 1]) {
      world.now += age
      expect((await verify(present(await world.sign()))).subject).toBe('alice')
      await settled()
    }
    world.now += 1
    expect(await refusal(verify(present(await world.sign())))).toMatchObject({
      code: 'keys_unavailable',
      unavailable: true,
    })
    world.fault = undefined
    world.now += 5_000
    expect((await verify(present(await world.sign()))).subject).toBe('alice')
  })

  it('is not asked by every request', async () => {
    const verify = verifier()
    await verify(present(await world.sign()))
    world.fault = away
    world.now += 3 * FRESH_MS
    const before = world.fetched.length
    for (let request = 0; request < 20; request++) await verify(present(await world.sign()))
    expect(world.fetched.length - before).toBe(1)
  })

  it('is asked every five seconds while there are no keys, by one for everybody', async () => {
    world.fault = away
    const verify = verifier()
    const token = await world.sign()
    const errors = await Promise.all(Array.from({ length: 10 }, () => refusal(verify(present(token)))))
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['keys_unavailable']))
    await refusal(verify(present(token)))
    expect(world.fetched).toHaveLength(1)
    world.fault = undefined
    world.now += 5_000
    expect((await verify(present(token))).subject).toBe('alice')
  })

  it('unknown keys are a matter of then, and a wrong signature is wrong all the same', async () => {
    const verify = verifier()
    await verify(present(await world.sign()))
    world.fault = away
    world.now += COOL_DOWN_MS
    const unknown = await world.sign({ iat: 1 }, { header: { kid: 'two' } })
    expect(await refusal(verify(present(unknown)))).toMatchObject({ code: 'keys_unavailable' })
    world.now += COOL_DOWN_MS
    const forged = await world.sign({}, { key: await makeKey('ES256', 'one', 'thief') })
    expect(await refusal(verify(present(forged)))).toMatchObject({ code: 'bad_signature' })
  })
})
