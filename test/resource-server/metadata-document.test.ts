import { describe, expect, it } from 'vitest'
import { connect } from '../../src/client.ts'
import { jwtVerifier, withDpop } from '../../src/resource-server.ts'
import { challengeOf, createWorld, ISSUER, METADATA_URL, RESOURCE, verifyPlain } from './protected-world.ts'

const ROOT = 'https://files.example.com/.well-known/oauth-protected-resource'

describe('field V1: protected resource metadata (RFC 9728)', () => {
  it.each([
    [RESOURCE, METADATA_URL, ROOT],
    ['https://files.example.com', ROOT, ROOT],
    ['https://files.example.com/', ROOT, `${ROOT}/`],
    ['https://files.example.com/a/b', `${ROOT}/a/b`, ROOT],
    ['https://files.example.com/mcp?tenant=7', `${METADATA_URL}?tenant=7`, METADATA_URL],
    [
      'https://FILES.example.com:8443/mcp',
      METADATA_URL.replace('.com', '.com:8443'),
      ROOT.replace('.com', '.com:8443'),
    ],
  ])('of %s is at %s and at %s, and names it verbatim', async (resource, ...urls) => {
    const world = createWorld({ resource })
    for (const url of urls) {
      const response = await world.send({ url })
      expect([url, response.status]).toEqual([url, 200])
      expect(response.headers.get('content-type')).toBe('application/json')
      expect(response.headers.get('cache-control')).toMatch(/^public, max-age=\d+$/)
      expect(await response.json()).toMatchObject({ resource, authorization_servers: [ISSUER] })
    }
    expect(challengeOf(await world.send({ url: resource, method: 'POST' }))?.['resource_metadata']).toBe(urls[0])
  })

  it('is not served at other paths', async () => {
    const world = createWorld()
    for (const path of ['/mcp/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/other'])
      expect((await world.send({ url: `https://files.example.com${path}` })).status).toBe(404)
  })

  it('field V2: is the same whatever name, scheme and forwarding headers a proxy passes on', async () => {
    const world = createWorld()
    const headers = { host: '10.0.0.7:8080', 'x-forwarded-host': 'evil.example.com', 'x-forwarded-proto': 'http' }
    const direct = await (await world.send({ url: METADATA_URL })).text()
    const { pathname } = new URL(METADATA_URL)
    expect(await (await world.send({ url: `http://10.0.0.7:8080${pathname}`, headers })).text()).toBe(direct)
    const challenged = await world.send({ url: 'http://10.0.0.7:8080/mcp', method: 'POST', headers })
    expect(challengeOf(challenged)?.['resource_metadata']).toBe(METADATA_URL)
  })

  it('holds what is configured, and no more', async () => {
    expect(await (await createWorld().send({ url: METADATA_URL })).json()).toEqual({
      resource: RESOURCE,
      authorization_servers: [ISSUER],
      bearer_methods_supported: ['header'],
    })
    const world = createWorld({
      scopes: ['read'],
      scopesSupported: ['read', 'list', 'login'],
      requestedScope: scope => (scope === 'login' ? undefined : `api://x/${scope}`),
      resourceName: 'Files',
      resourceDocumentation: 'https://files.example.com/docs',
      verify: withDpop(jwtVerifier({ issuer: ISSUER }), { required: true, algorithms: ['ES256', 'EdDSA'] }),
    })
    expect(await (await world.send({ url: METADATA_URL })).json()).toEqual({
      resource: RESOURCE,
      authorization_servers: [ISSUER],
      scopes_supported: ['api://x/read', 'api://x/list'],
      bearer_methods_supported: ['header'],
      resource_name: 'Files',
      resource_documentation: 'https://files.example.com/docs',
      dpop_signing_alg_values_supported: ['ES256', 'EdDSA'],
      dpop_bound_access_tokens_required: true,
    })
  })

  it('may be read by pages of every origin, and asks for no token, even one that is bad', async () => {
    const world = createWorld({ optional: true })
    const headers = { origin: 'https://elsewhere.example.com', authorization: 'Bearer bad' }
    const response = await world.send({ url: METADATA_URL, headers })
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, '*'])
    const preflight = await world.send({
      method: 'OPTIONS',
      url: METADATA_URL,
      headers: {
        ...headers,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'mcp-protocol-version',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    expect(preflight.headers.get('access-control-allow-headers')).toBe('*')
  })

  it('answers HEAD without a body, and nothing but GET, HEAD and OPTIONS', async () => {
    const world = createWorld()
    const head = await world.send({ method: 'HEAD', url: METADATA_URL })
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect((await world.send({ method: 'POST', url: METADATA_URL })).status).toBe(405)
  })

  it('is what a client of ours accepts for the resource', async () => {
    const world = createWorld({ verify: verifyPlain })
    const fetch = (input: string | URL | Request, init?: RequestInit) => world.app.fetch(new Request(input, init))
    const client = await connect(RESOURCE, { fetch, headers: { authorization: 'Bearer alice|read' } })
    expect((await client.callTool('read')).content).toEqual([{ type: 'text', text: 'read' }])
    await client.close()
  })
})
