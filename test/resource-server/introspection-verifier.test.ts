import { inspect } from 'node:util'
import { beforeEach, describe, expect, it } from 'vitest'
import { createIntrospectionCache, MAX_NEGATIVE_ENTRIES } from '../../src/resource-server/introspection-cache.ts'
import {
  introspectionVerifier,
  type IntrospectionVerifierOptions,
  MAX_QUESTIONS,
} from '../../src/resource-server/introspection-verifier.ts'
import { ISSUER, present, refusal, RESOURCE, START } from './issuer-world.ts'

const ENDPOINT = 'https://as.example.com/introspect'
const TOKEN = 'opaque-canary-token'
const SECRET = 'sp ace+plus%:colon-canary'

let now: number
let asked: { headers: Headers; form: URLSearchParams }[]
/** What the endpoint says. */
let answer: (token: string) => Response | Promise<Response>
let members: Record<string, unknown>

beforeEach(() => {
  now = START
  asked = []
  members = {}
  answer = () => Response.json(active(members))
})

function active(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    active: true,
    iss: ISSUER,
    sub: 'alice',
    client_id: 'app',
    aud: RESOURCE,
    scope: 'files:read',
    token_type: 'Bearer',
    exp: now / 1000 + 3_600,
    ...more,
  }
}

const fakeFetch = async (_url: string | URL | Request, init?: RequestInit): Promise<Response> => {
  const form = new URLSearchParams(init?.body as string)
  asked.push({ headers: new Headers(init?.headers), form })
  return answer(form.get('token') ?? '')
}

const verifier = (options: Partial<IntrospectionVerifierOptions> = {}) =>
  introspectionVerifier({
    endpoint: ENDPOINT,
    issuer: ISSUER,
    client: { clientId: 'resource server', clientSecret: SECRET },
    fetch: fakeFetch,
    now: () => now,
    ...options,
  })

describe('an active token', () => {
  it('is accepted, and says who, for which client, which scopes and until when', async () => {
    expect(await verifier()(present(TOKEN))).toEqual({
      principal: JSON.stringify([ISSUER, 'alice', 'app']),
      issuer: ISSUER,
      subject: 'alice',
      clientId: 'app',
      scopes: ['files:read'],
      expiresAt: now + 3_600_000,
      claims: active(),
      token: TOKEN,
    })
  })

  it.each([
    ['several audiences', { aud: ['https://other.example.com', RESOURCE] }],
    ['no end', { exp: undefined }],
    ['no issuer', { iss: undefined }],
    ['no token type', { token_type: undefined }],
    ['token type DPoP-less in other letters', { token_type: 'bearer' }],
  ])('is accepted with %s', async (_name, more) => {
    members = more
    expect(await verifier()(present(TOKEN))).toMatchObject({ subject: 'alice', issuer: ISSUER })
  })

  it('without an issuer anywhere belongs to the endpoint', async () => {
    members = { iss: undefined }
    const auth = await verifier({ issuer: undefined })(present(TOKEN))
    expect(auth).toMatchObject({ principal: JSON.stringify([ENDPOINT, 'alice', 'app']) })
    expect(auth).not.toHaveProperty('issuer')
  })
})

describe('the question', () => {
  it('authenticates with form-encoded Basic credentials (RFC 6749 §2.3.1)', async () => {
    await verifier()(present(TOKEN))
    const credentials = atob(asked[0]!.headers.get('authorization')!.replace('Basic ', ''))
    expect(credentials).toBe('resource+server:sp+ace%2Bplus%25%3Acolon-canary')
    expect(Object.fromEntries(asked[0]!.form)).toEqual({ token: TOKEN, token_type_hint: 'access_token' })
  })

  it('authenticates in the form', async () => {
    await verifier({ client: { clientId: 'rs', clientSecret: SECRET, method: 'client_secret_post' } })(present(TOKEN))
    expect(asked[0]!.headers.has('authorization')).toBe(false)
    expect(Object.fromEntries(asked[0]!.form)).toMatchObject({ client_id: 'rs', client_secret: SECRET })
  })

  it('authenticates as a function says', async () => {
    await verifier({ client: ({ headers }) => headers.set('authorization', 'Bearer own') })(present(TOKEN))
    expect(asked[0]!.headers.get('authorization')).toBe('Bearer own')
  })

  it('is asked once for everybody, and again after a minute', async () => {
    const verify = verifier()
    await Promise.all(Array.from({ length: 10 }, () => verify(present(TOKEN))))
    await verify(present(TOKEN))
    expect(asked).toHaveLength(1)
    now += 60_000
    await verify(present(TOKEN))
    expect(asked).toHaveLength(2)
  })

  it('is asked again when the token ends earlier', async () => {
    members = { exp: now / 1000 + 10 }
    const verify = verifier({ clockToleranceSeconds: 0 })
    await verify(present(TOKEN))
    now += 10_000
    expect(await refusal(verify(present(TOKEN)))).toMatchObject({ code: 'expired' })
    expect(asked).toHaveLength(2)
  })

  it('is asked every time without a cache', async () => {
    const verify = verifier({ cache: false })
    for (let request = 0; request < 3; request++) await verify(present(TOKEN))
    expect(asked).toHaveLength(3)
  })

  it(`${MAX_QUESTIONS} are under way at most; more are no fault of the token`, async () => {
    let open!: () => void
    const gate = new Promise<void>(resolve => (open = resolve))
    answer = () => gate.then(() => Response.json({ active: false }))
    const verify = verifier()
    const over: unknown[] = []
    const waiting = Array.from({ length: MAX_QUESTIONS + 5 }, async (_, index) => {
      const error = await refusal(verify(present(`made-up-${index}`)))
      over.push(error)
      return error
    })
    while (over.length < 5) await new Promise(resolve => setImmediate(resolve))
    open()
    const codes = (await Promise.all(waiting)).map(({ code }) => code)
    expect(codes.filter(code => code === 'introspection_unavailable')).toHaveLength(5)
    expect(asked).toHaveLength(MAX_QUESTIONS)
  })

  it('is not asked about what no token can be', async () => {
    for (const token of ['', 'x'.repeat(20_000)])
      expect(await refusal(verifier()(present(token)))).toMatchObject({ code: 'malformed' })
    expect(asked).toEqual([])
  })
})

describe('refuses', () => {
  it.each<[string, string, Record<string, unknown>]>([
    ['another audience', 'wrong_audience', { aud: 'https://other.example.com' }],
    ['no audience', 'missing_claim', { aud: undefined }],
    ['another issuer', 'wrong_issuer', { iss: 'https://evil.example.com' }],
    ['an issuer that is no text', 'wrong_issuer', { iss: [ISSUER] }],
    ['an end that has passed', 'expired', { exp: START / 1000 - 31 }],
    ['an end that cannot be read', 'malformed', { exp: 'soon' }],
    ['a beginning that has not come', 'not_yet_valid', { nbf: START / 1000 + 31 }],
    ['a refresh token by its type', 'wrong_type', { token_type: 'refresh_token' }],
    ['a refresh token by its use (Hydra)', 'wrong_type', { token_use: 'refresh_token' }],
    ['a refresh token by typ (Keycloak)', 'wrong_type', { typ: 'Refresh' }],
    ['a bound token as a bearer token', 'binding_mismatch', { cnf: { jkt: 'x' } }],
    ['a subject that is a number', 'malformed', { sub: 42 }],
    ['neither subject nor client', 'missing_claim', { sub: undefined, client_id: undefined }],
  ])('%s', async (_name, code, more) => {
    members = more
    expect(await refusal(verifier()(present(TOKEN)))).toMatchObject({ code, challengeError: 'invalid_token' })
  })

  it('an inactive token, and remembers it for five seconds', async () => {
    answer = () => Response.json({ active: false })
    const verify = verifier()
    for (let request = 0; request < 3; request++)
      expect(await refusal(verify(present(TOKEN)))).toMatchObject({ code: 'inactive' })
    expect(asked).toHaveLength(1)
    now += 5_000
    answer = () => Response.json(active())
    expect((await verify(present(TOKEN))).subject).toBe('alice')
  })

  it('checks the audience of a known answer for every resource', async () => {
    const verify = verifier()
    await verify(present(TOKEN))
    const error = await refusal(verify(present(TOKEN, { audience: ['https://other.example.com'] })))
    expect(error).toMatchObject({ code: 'wrong_audience' })
  })

  it('answers without an audience are accepted by option, and then only for what is said to be an access token', async () => {
    members = { aud: undefined }
    const verify = verifier({ acceptsMissingAudience: true, cache: false })
    expect((await verify(present(TOKEN))).subject).toBe('alice')
    members = { aud: undefined, token_type: undefined }
    expect(await refusal(verify(present(TOKEN)))).toMatchObject({ code: 'wrong_type' })
    members = { aud: 'https://other.example.com' }
    expect(await refusal(verify(present(TOKEN)))).toMatchObject({ code: 'wrong_audience' })
  })
})

describe('an endpoint that cannot be asked is no fault of the token', () => {
  it.each<[string, () => Response | Promise<Response>]>([
    ['503', () => new Response('sorry', { status: 503 })],
    ['500 with an inactive token', () => Response.json({}, { status: 500 })],
    ['401: our own credentials', () => Response.json({ error: 'invalid_client' }, { status: 401 })],
    ['a page', () => new Response('<h1>hello</h1>', { headers: { 'content-type': 'text/html' } })],
    ['active as text', () => Response.json({ ...active(), active: 'true' })],
    ['no active', () => Response.json({ sub: 'alice' })],
    ['a list', () => Response.json([active()])],
    ['active in an error', () => Response.json(active(), { status: 400 })],
    ['a redirect', () => new Response(null, { status: 307, headers: { location: ENDPOINT } })],
    ['more than it may say', () => Response.json({ ...active(), note: 'x'.repeat(100_000) })],
    ['a lost connection', () => Promise.reject(new TypeError(`fetch failed for ${TOKEN}`))],
  ])('%s', async (_name, say) => {
    answer = say
    const verify = verifier()
    const error = await refusal(verify(present(TOKEN)))
    expect(error).toMatchObject({ code: 'introspection_unavailable', unavailable: true, challengeError: undefined })
    const text = inspect(error, { depth: 10 }) + JSON.stringify(error)
    for (const secret of [TOKEN, SECRET, encodeURIComponent(SECRET)]) expect(text).not.toContain(secret)
    answer = () => Response.json(active())
    expect((await verify(present(TOKEN))).subject).toBe('alice')
  })

  it('no answer within the time limit', async () => {
    answer = () => new Promise(() => undefined)
    expect(await refusal(verifier({ timeoutMs: 10 })(present(TOKEN)))).toMatchObject({
      code: 'introspection_unavailable',
    })
  })

  it('what it says of a time to wait is passed on', async () => {
    answer = () => new Response('', { status: 429, headers: { 'retry-after': '7' } })
    expect((await refusal(verifier()(present(TOKEN)))).detail.retryAfterMs).toBe(7_000)
  })
})

describe('field V21: a revocation counts at once', () => {
  it('when it is told: the next request asks', async () => {
    const verify = verifier()
    await verify(present(TOKEN))
    answer = () => Response.json({ active: false })
    expect((await verify(present(TOKEN))).subject).toBe('alice')
    await verify.forget(TOKEN)
    expect(await refusal(verify(present(TOKEN)))).toMatchObject({ code: 'inactive' })
  })

  it('even when it is told while a question is under way', async () => {
    let open!: () => void
    const gate = new Promise<void>(resolve => (open = resolve))
    const before = active()
    answer = () => gate.then(() => Response.json(before))
    const verify = verifier()
    const early = verify(present(TOKEN))
    while (asked.length === 0) await new Promise(resolve => setImmediate(resolve))
    await verify.forget(TOKEN)
    answer = () => Response.json({ active: false })
    expect(await refusal(verify(present(TOKEN)))).toMatchObject({ code: 'inactive' })
    open()
    await early
    expect(await refusal(verify(present(TOKEN)))).toMatchObject({ code: 'inactive' })
  })
})

describe('the cache of answers', () => {
  const options = { maxAgeMs: 60_000, negativeMs: 5_000, maxEntries: 3 }

  it('keeps so many active answers and forgets the oldest', () => {
    const cache = createIntrospectionCache(options)
    for (const key of ['a', 'b', 'c', 'd']) cache.set(key, { key }, { now: 0 })
    expect(cache.get('a', 1)).toBeUndefined()
    expect(cache.get('d', 1)).toEqual({ key: 'd' })
    expect(cache.size).toBe(3)
  })

  it('a flood of inactive tokens pushes out no active one, and is bounded', () => {
    const cache = createIntrospectionCache(options)
    cache.set('a', { key: 'a' }, { now: 0 })
    for (let index = 0; index < 2 * MAX_NEGATIVE_ENTRIES; index++) cache.set(`made-up-${index}`, 'inactive', { now: 0 })
    expect(cache.get('a', 1)).toEqual({ key: 'a' })
    expect(cache.size).toBe(1 + MAX_NEGATIVE_ENTRIES)
  })
})

describe('options that cannot work are refused at once', () => {
  it.each<[string, Partial<IntrospectionVerifierOptions>]>([
    ['an endpoint over http', { endpoint: 'http://as.example.com/introspect' }],
    ['no client id', { client: { clientId: '', clientSecret: 'x' } }],
    ['no client secret', { client: { clientId: 'x', clientSecret: '' } }],
  ])('%s', (_name, options) => {
    expect(() => verifier(options)).toThrow(expect.objectContaining({ name: 'TokenError', code: 'configuration' }))
  })
})
