import { describe, expect, it } from 'vitest'
import {
  readResourceMetadata,
  type ResourceMetadataVerdict,
  resourceIndicator,
  resourceMetadataUrls,
} from '../../../src/oauth/protocol/resource-metadata.ts'

const SERVER = 'https://mcp.example.com/mcp'
const DOCUMENT = { resource: SERVER, authorization_servers: ['https://auth.example.com'] }

interface Given {
  readonly status?: number
  readonly contentType?: string | null
  readonly named?: boolean
  readonly serverUrl?: string
}

function read(body: unknown, given: Given = {}): ResourceMetadataVerdict {
  const { status = 200, contentType = 'application/json', named = false, serverUrl = SERVER } = given
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const url = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'
  return readResourceMetadata({ status, contentType, body: text, url }, { named, serverUrl })
}

function errorOf(verdict: ResourceMetadataVerdict) {
  if (verdict.kind !== 'invalid' && verdict.kind !== 'unavailable') throw new Error(`no error: ${verdict.kind}`)
  return verdict.error
}

function metadataOf(verdict: ResourceMetadataVerdict) {
  if (verdict.kind !== 'found') throw new Error(`not found: ${JSON.stringify(verdict)}`)
  return verdict.metadata
}

describe('where to look', () => {
  it.each([
    [SERVER, ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource']],
    [`${SERVER}/`, ['/.well-known/oauth-protected-resource/mcp/', '/.well-known/oauth-protected-resource']],
    ['https://mcp.example.com', ['/.well-known/oauth-protected-resource']],
    ['https://mcp.example.com/', ['/.well-known/oauth-protected-resource']],
    [`${SERVER}?key=1#part`, ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource']],
  ])('R-PRM-1 %s: path-inserted first, then the root; query and fragment are dropped', (server, paths) => {
    expect(resourceMetadataUrls(server)).toEqual(paths.map(path => `https://mcp.example.com${path}`))
  })
})

describe('a guessed URL', () => {
  it.each([400, 401, 403, 404, 405, 410, 302])('R-PRM-2 %d means not here', status => {
    expect(read('Not Found', { status, contentType: 'text/plain' }).kind).toBe('absent')
    expect(read(DOCUMENT, { status }).kind).toBe('absent')
  })

  it.each([
    ['HTML', '<!doctype html><title>App</title>', 'text/html'],
    ['HTML that claims to be JSON', '<!doctype html>', 'application/json'],
    ['an empty body', '', 'application/json'],
    ['unrelated JSON', '{"name":"app"}', 'application/json'],
    ['null members', '{"resource":null,"authorization_servers":null}', 'application/json'],
    ['an array', '[]', 'application/json'],
    ['a string', '"resource"', 'application/json'],
  ])('R-PRM-2 field D6: 200 with %s means not here', (_, body, contentType) => {
    expect(read(body, { contentType }).kind).toBe('absent')
  })

  it.each([500, 502, 503, 504, 429])('R-PRM-2 %d is transient, never absence', status => {
    const error = errorOf(read('', { status }))
    expect(error.code).toBe('discovery_unavailable')
    expect(error.retryable).toBe(true)
  })

  it('R-PRM-2 passes Retry-After on', () => {
    const answer = {
      status: 503,
      contentType: null,
      body: '',
      url: SERVER,
      headers: new Headers({ 'retry-after': '7' }),
    }
    expect(errorOf(readResourceMetadata(answer, { named: false, serverUrl: SERVER })).detail.retryAfterMs).toBe(7_000)
  })

  it.each([
    ['resource only', { resource: SERVER }],
    ['authorization_servers only', { authorization_servers: ['https://auth.example.com'] }],
    ['no authorization server', { ...DOCUMENT, authorization_servers: [] }],
    ['authorization_servers as a string', { ...DOCUMENT, authorization_servers: 'https://auth.example.com' }],
    ['nothing but plain http issuers', { ...DOCUMENT, authorization_servers: ['http://auth.example.com'] }],
    ['nothing but script issuers', { ...DOCUMENT, authorization_servers: ['javascript:alert(1)', 'data:,x'] }],
    ['a relative resource', { ...DOCUMENT, resource: '/mcp' }],
    ['a resource with a fragment', { ...DOCUMENT, resource: `${SERVER}#x` }],
    ['a resource that is a number', { ...DOCUMENT, resource: 7 }],
  ])('R-PRM-2 a document with %s is a definite error', (_, document) => {
    expect(errorOf(read(document)).code).toBe('resource_metadata_invalid')
  })

  it('R-PRM-6 neither a malformed document nor a 503 counts as absence, which alone may lead to the legacy fallback', () => {
    expect(read({ ...DOCUMENT, authorization_servers: [] }).kind).toBe('invalid')
    expect(read('', { status: 503 }).kind).toBe('unavailable')
    expect(read('', { status: 404 }).kind).toBe('absent')
  })
})

describe('a URL that the server named', () => {
  it.each([
    ['HTML', '<!doctype html>', 200],
    ['404', 'Not Found', 404],
    ['unrelated JSON', '{}', 200],
    ['401', '', 401],
  ])('R-PRM-2 %s is an error that says so', (_, body, status) => {
    const error = errorOf(read(body, { named: true, status, contentType: 'text/html' }))
    expect(error.code).toBe('resource_metadata_invalid')
    expect(error.message).toContain('names')
    expect(error.detail.url).toContain('/.well-known/oauth-protected-resource/mcp')
  })

  it('R-PRM-2 5xx there is still transient', () => {
    expect(errorOf(read('', { named: true, status: 503 })).code).toBe('discovery_unavailable')
  })
})

describe('resource', () => {
  it('R-PRM-3 is kept verbatim, with all that the document says', () => {
    const metadata = metadataOf(
      read({
        resource: 'HTTPS://MCP.example.com:443/mcp',
        authorization_servers: ['https://auth.example.com/', 7, 'http://plain.example.com'],
        scopes_supported: ['a', null, 'b'],
        resource_name: 'Files',
        other: { kept: true },
      }),
    )
    expect(metadata.resource).toBe('HTTPS://MCP.example.com:443/mcp')
    expect(metadata.authorizationServers).toEqual(['https://auth.example.com/'])
    expect(metadata.scopesSupported).toEqual(['a', 'b'])
    expect(metadata.resourceName).toBe('Files')
    expect(metadata.raw['other']).toEqual({ kept: true })
  })

  it.each([
    ['https://mcp.example.com/mcp', SERVER],
    ['https://mcp.example.com/mcp/', SERVER],
    ['https://mcp.example.com', SERVER],
    ['https://mcp.example.com/', `${SERVER}?a=b`],
    ['https://mcp.example.com/a', 'https://mcp.example.com/a/mcp'],
    ['http://localhost:3000/mcp', 'http://localhost:3000/mcp'],
  ])('R-PRM-3 field D11: %s covers %s (same origin, parent path on a segment boundary)', (resource, serverUrl) => {
    expect(metadataOf(read({ ...DOCUMENT, resource }, { serverUrl })).resource).toBe(resource)
  })

  it.each([
    'https://mcp.example.com/mc',
    'https://mcp.example.com/mcp/tenant',
    'https://mcp.example.com/other',
    'https://mcp.example.com:8443/mcp',
    'https://evil.example.com/mcp',
    'https://mcp.example.com.evil.com/mcp',
    'https://mcp.example.com@evil.com/mcp',
    'https://auth.example.com',
    'urn:mcp',
  ])('R-PRM-3 %s is refused, naming both values and which side to fix', resource => {
    const error = errorOf(read({ ...DOCUMENT, resource }))
    expect(error.code).toBe('resource_mismatch')
    expect(error.message).toContain(resource)
    expect(error.message).toContain(SERVER)
    expect(error.detail).toMatchObject({ received: resource, expected: expect.stringContaining(SERVER) })
    expect(error.detail.hint).toContain(`have the server publish "resource": "${SERVER}"`)
  })

  it('R-PRM-3 a resource below the server URL says what to connect to', () => {
    const error = errorOf(read(DOCUMENT, { serverUrl: 'https://mcp.example.com' }))
    expect(error.detail.hint).toContain(`connect to ${SERVER}`)
  })

  it('field D12: a difference of scheme only gets its own hint', () => {
    const error = errorOf(read({ ...DOCUMENT, resource: 'http://mcp.example.com/mcp' }))
    expect(error.code).toBe('resource_mismatch')
    expect(error.detail.hint).toContain('X-Forwarded-Proto')
  })

  it.each(['http://localhost:8080/mcp', 'http://10.0.0.7/mcp'])(
    'field D12: an internal host %s is named as such',
    resource => {
      expect(errorOf(read({ ...DOCUMENT, resource })).detail.hint).toContain('internal address')
    },
  )

  it('field A14: is sent as published, without the slash that URL would add', () => {
    const metadata = metadataOf(read({ ...DOCUMENT, resource: 'https://mcp.example.com' }))
    expect(resourceIndicator(SERVER, metadata)).toBe('https://mcp.example.com')
  })

  it.each([
    ['https://mcp.example.com', 'https://mcp.example.com'],
    ['https://mcp.example.com/', 'https://mcp.example.com/'],
    ['https://MCP.example.com/mcp#x', SERVER],
    ['https://mcp.example.com?a#x', 'https://mcp.example.com'],
  ])('R-PRM-3 with no document %s gives %s', (server, resource) => {
    expect(resourceIndicator(server, undefined)).toBe(resource)
  })

  it('field T16: the query of the server URL, which may hold a key, is not part of the derived resource', () => {
    expect(resourceIndicator(`${SERVER}?apiKey=secret`, undefined)).toBe(SERVER)
  })

  it('text from the document is shown without control characters and capped', () => {
    const resource = `https://evil.example.com/\u001b[31m${'a'.repeat(5_000)}`
    const { message } = errorOf(read({ ...DOCUMENT, resource }))
    expect(message).not.toContain('\u001b')
    expect(message.length).toBeLessThan(800)
  })
})
