import { describe, expect, it } from 'vitest'
import {
  auth0,
  cognito,
  entra,
  google,
  keycloak,
  okta,
  PROVIDER_FACTS,
  protect,
  type ProviderOptions,
  workos,
} from '../../src/resource-server.ts'
import { createServer } from '../../src/server.ts'
import { IssuerWorld, makeKey, refusal } from './issuer-world.ts'

const RESOURCE = 'https://files.example.com/mcp'
const TENANT = '6a1b0c9d-0000-4000-8000-000000000001'

/** An issuer anywhere, with one key. */
async function issuing(issuer: string, claims: Record<string, unknown>, header: Record<string, unknown> = {}) {
  const world = await IssuerWorld.start()
  const key = await makeKey('RS256', 'one')
  const fetch = async (input: string | URL | Request): Promise<Response> => {
    const url = input instanceof Request ? input.url : String(input)
    if (url === `${issuer}/keys`) return Response.json({ keys: [{ ...key.publicJwk, kid: 'one' }] })
    if (!url.includes('/.well-known/')) return new Response('', { status: 404 })
    return Response.json({ issuer, jwks_uri: `${issuer}/keys` })
  }
  const whole = { scope: undefined, client_id: undefined, ...claims, iss: issuer }
  const token = await world.sign(whole, { key, header: { typ: 'JWT', ...header } })
  return { world: { fetch, now: () => world.now }, token }
}

const present = ({ verify, audience = RESOURCE }: ProviderOptions, token: string) =>
  verify({
    token,
    scheme: 'bearer',
    request: { method: 'POST', url: RESOURCE, dpopProofs: [] },
    audience: typeof audience === 'string' ? [audience] : audience,
  })

describe('presets, with tokens as the providers document them', () => {
  it.each([
    [
      'entra',
      `https://login.microsoftonline.com/${TENANT}/v2.0`,
      { aud: 'api-client', azp: 'app', scp: 'Notes.Read Notes.Write', roles: ['Notes.Admin'], ver: '2.0' },
      {},
      (world: object) => entra({ ...world, tenantId: TENANT, clientId: 'api-client' }),
      ['Notes.Read', 'Notes.Write', 'Notes.Admin'],
    ],
    [
      'auth0',
      'https://tenant.auth0.com/',
      {
        aud: [RESOURCE, 'https://tenant.auth0.com/userinfo'],
        azp: 'app',
        scope: 'openid notes:read',
        permissions: ['x'],
      },
      {},
      (world: object) => auth0({ ...world, domain: 'tenant.auth0.com' }),
      ['openid', 'notes:read', 'x'],
    ],
    [
      'okta',
      'https://company.okta.com/oauth2/aus1',
      { aud: 'api://notes', cid: 'app', scp: ['notes:read'], uid: '00u1' },
      { typ: undefined },
      (world: object) =>
        okta({ ...world, domain: 'company.okta.com', authorizationServerId: 'aus1', audience: 'api://notes' }),
      ['notes:read'],
    ],
    [
      'keycloak',
      'https://sso.example.com/realms/company',
      { aud: ['account', RESOURCE], azp: 'app', typ: 'Bearer', scope: 'notes:read' },
      {},
      (world: object) => keycloak({ ...world, realmUrl: 'https://sso.example.com/realms/company' }),
      ['notes:read'],
    ],
    [
      'cognito',
      'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC',
      { aud: undefined, client_id: 'app', token_use: 'access', scope: 'notes/read' },
      { typ: undefined },
      (world: object) =>
        cognito({ ...world, region: 'eu-central-1', userPoolId: 'eu-central-1_AbC', clientIds: ['app'] }),
      ['notes/read'],
    ],
    [
      'workos',
      'https://company.authkit.app',
      { aud: RESOURCE, client_id: 'app', scope: 'notes:read' },
      {},
      (world: object) => workos({ ...world, domain: 'company.authkit.app' }),
      ['notes:read'],
    ],
  ] as const)('field V6: %s', async (_name, issuer, claims, header, make, scopes) => {
    const { token, world } = await issuing(issuer, claims, header)
    const provider = make(world)
    expect(provider.authorizationServers).toEqual([issuer])
    expect(await present(provider, token)).toMatchObject({ issuer, clientId: 'app', subject: 'alice', scopes })

    const other = await issuing(issuer, { ...claims, aud: 'https://other.example.com', client_id: 'another' }, header)
    expect((await refusal(present(make(other.world), other.token))).code).toBe('wrong_audience')
    const idToken = await issuing(issuer, { ...claims, nonce: 'n', token_use: 'id', typ: 'ID' }, header)
    expect((await refusal(present(make(idToken.world), idToken.token))).code).toBe('wrong_type')
  })

  it('entra asks for scopes by their full names, of one tenant only', () => {
    const { requestedScope } = entra({ tenantId: TENANT, clientId: 'c' })
    expect(['Notes.Read', 'openid', 'api://x/y'].map(scope => requestedScope?.(scope))).toEqual([
      'api://c/Notes.Read',
      'openid',
      'api://x/y',
    ])
    const named = entra({ tenantId: TENANT, clientId: 'c', applicationIdUri: `${RESOURCE}/` })
    expect(named.requestedScope?.('Notes.Read')).toBe(`${RESOURCE}/Notes.Read`)
    for (const tenantId of ['common', 'organizations', 'consumers', '', 'contoso.onmicrosoft.com'])
      expect(() => entra({ tenantId, clientId: 'c' })).toThrow('tenantId')
  })

  it('field V6: google, by its tokeninfo endpoint', async () => {
    const seen: string[] = []
    const answers = new Map<string, Response>([
      ['good', Response.json({ aud: 'ours', azp: 'ours', sub: '7', scope: 'openid email', exp: '4102444800' })],
      ['other', Response.json({ aud: 'theirs', azp: 'theirs', sub: '7', scope: 'openid', exp: '4102444800' })],
      ['dead', Response.json({ error: 'invalid_token' }, { status: 400 })],
      ['busy', new Response('', { status: 503 })],
      ['odd', Response.json({ hello: 'world' })],
    ])
    const fetch = (async (input: string | URL | Request, init?: RequestInit) => {
      const request = new Request(input, init)
      const body = await request.text()
      seen.push(`${request.method} ${request.url} ${body}`)
      return answers.get(new URLSearchParams(body).get('access_token') ?? '')
    }) as typeof globalThis.fetch
    const provider = google({ fetch, clientIds: ['ours'] })
    expect(await present(provider, 'good')).toMatchObject({
      subject: '7',
      clientId: 'ours',
      scopes: ['openid', 'email'],
    })
    expect(seen).toEqual(['POST https://oauth2.googleapis.com/tokeninfo access_token=good'])
    expect((await refusal(present(provider, 'other'))).code).toBe('wrong_audience')
    expect((await refusal(present(provider, 'dead'))).code).toBe('inactive')
    for (const token of ['busy', 'odd'])
      expect((await refusal(present(provider, token))).code).toBe('introspection_unavailable')
  })

  it('are options of protect as they stand', () => {
    const server = createServer({ name: 'files', version: '1.0.0' })
    for (const options of [
      entra({ tenantId: TENANT, clientId: 'c' }),
      google({ clientIds: ['c'] }),
      workos({ domain: 'company.authkit.app' }),
    ])
      expect(() => protect(server, { resource: RESOURCE, ...options })).not.toThrow()
    expect(() => protect(server, { resource: RESOURCE, ...google({ clientIds: [] }) })).toThrow('audience')
  })

  it('say where they know it from, and since when', () => {
    for (const { sources, checkedOn } of Object.values(PROVIDER_FACTS)) {
      expect(sources.length).toBeGreaterThan(0)
      expect(checkedOn).toMatch(/^\d{4}-\d{2}-\d{2}$/)
    }
  })
})
