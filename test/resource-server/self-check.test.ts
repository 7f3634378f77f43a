import { describe, expect, it } from 'vitest'
import { checkProtection, jwtVerifier, type ProtectOptions, withDpop } from '../../src/resource-server.ts'
import { createWorld, ISSUER, METADATA_URL, RESOURCE, verifyPlain } from './protected-world.ts'

const ISSUER_METADATA = 'https://as.example.com/.well-known/oauth-authorization-server/tenant'

const GOOD = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/authorize`,
  token_endpoint: `${ISSUER}/token`,
  registration_endpoint: `${ISSUER}/register`,
  jwks_uri: `${ISSUER}/jwks`,
  code_challenge_methods_supported: ['S256'],
}

interface Served {
  readonly issuer?: unknown
  readonly own?: unknown
}

const protection = (options: Partial<ProtectOptions> = {}): ProtectOptions => ({
  resource: RESOURCE,
  authorizationServers: [ISSUER],
  verify: verifyPlain,
  ...options,
})

/** Answers the metadata of the issuer, and that of the server itself. */
const serving =
  ({ issuer = GOOD, own = { resource: RESOURCE } }: Served = {}): typeof fetch =>
  async (input: string | URL | Request) => {
    const url = input instanceof Request ? input.url : String(input)
    const document = url === ISSUER_METADATA ? issuer : url === METADATA_URL ? own : undefined
    if (document instanceof Error) throw document
    if (document instanceof Response) return document
    return document === undefined ? new Response('not found', { status: 404 }) : Response.json(document)
  }

const codes = async (options: Partial<ProtectOptions>, served: Served = {}): Promise<readonly string[]> =>
  (await checkProtection(protection(options), { fetch: serving(served) })).map(({ code }) => code)

describe('the self-check', () => {
  it('finds nothing where all is well', async () => {
    expect(await codes({})).toEqual([])
  })

  it.each<[string, Partial<ProtectOptions>, Served]>([
    ['issuer_mismatch', {}, { issuer: { ...GOOD, issuer: `${ISSUER}/` } }],
    ['issuer_mismatch', {}, { issuer: { ...GOOD, issuer: 'https://other.example.com' } }],
    ['issuer_unavailable', {}, { issuer: new Response('', { status: 503 }) }],
    ['issuer_unavailable', {}, { issuer: new TypeError('fetch failed') }],
    ['issuer_unavailable', {}, { issuer: new Response('<h1>hello</h1>') }],
    ['issuer_invalid', {}, { issuer: { ...GOOD, token_endpoint: 'http://as.example.com/token' } }],
    ['pkce_not_advertised', {}, { issuer: { ...GOOD, code_challenge_methods_supported: ['plain'] } }],
    ['no_keys', {}, { issuer: { ...GOOD, jwks_uri: undefined } }],
    ['resource_not_listed', {}, { issuer: { ...GOOD, protected_resources: [`${RESOURCE}/`] } }],
    ['scope_not_offered', { scopes: ['read'] }, { issuer: { ...GOOD, scopes_supported: ['openid'] } }],
    ['dpop_not_offered', { verify: withDpop(jwtVerifier({ issuer: ISSUER }), { required: true }) }, {}],
    ['clients_must_be_known', {}, { issuer: { ...GOOD, registration_endpoint: undefined } }],
    ['audience_too_wide', { audience: 'account' }, {}],
    ['audience_too_wide', { audience: [RESOURCE, ISSUER] }, {}],
    ['audience_too_wide', { audience: 'https://tenant.auth0.com/userinfo' }, {}],
    ['metadata_not_served', {}, { own: undefined }],
    ['metadata_not_served', {}, { own: { resource: 'http://10.0.0.7/mcp' } }],
    ['metadata_not_served', {}, { own: new TypeError('fetch failed') }],
  ])('field V12: finds %s', async (code, options, served) => {
    expect(
      await codes(
        options,
        'own' in served && served.own === undefined ? { own: new Response('', { status: 404 }) } : served,
      ),
    ).toEqual([code])
  })

  it('tells what a private resource means', async () => {
    const findings = await checkProtection(protection({ resource: 'https://10.0.0.7/mcp' }), { fetch: serving() })
    expect(findings.map(({ code }) => code)).toEqual(['resource_not_public', 'metadata_not_served'])
  })

  it('is made once, when the first client asks where to log in, and goes to onError', async () => {
    let asked = 0
    const served = serving({
      issuer: { ...GOOD, issuer: 'https://other.example.com', registration_endpoint: undefined },
    })
    const world = createWorld({
      selfCheck: ((...args: Parameters<typeof fetch>) => {
        asked += 1
        return served(...args)
      }) as typeof fetch,
    })
    expect((await world.callTool('open', 'alice')).status).toBe(200)
    expect(asked).toBe(0)
    expect((await world.callTool('open')).status).toBe(401)
    expect((await world.callTool('open')).status).toBe(401)
    await expect
      .poll(() => world.errors)
      .toMatchObject([{ code: 'configuration', message: expect.stringContaining('other.example.com') as string }])
    // The three well-known URLs of one issuer.
    expect(asked).toBe(3)
  })

  it('ends with its signal', async () => {
    const silent = (() => new Promise(() => undefined)) as unknown as typeof fetch
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(checkProtection(protection(), { fetch: silent, signal })).rejects.toThrow('enough')
  })
})
