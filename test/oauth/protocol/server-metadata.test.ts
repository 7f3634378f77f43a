import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  legacyServerMetadata,
  readServerMetadata,
  type ServerMetadataContext,
  type ServerMetadataVerdict,
  serverMetadataUrls,
} from '../../../src/oauth/protocol/server-metadata.ts'

const ISSUER = 'https://auth.example.com/tenant'
const DOCUMENT = {
  issuer: ISSUER,
  authorization_endpoint: 'https://auth.example.com/authorize',
  token_endpoint: 'https://auth.example.com/token',
  code_challenge_methods_supported: ['plain', 'S256'],
}

function read(
  body: unknown,
  context: Partial<ServerMetadataContext> = {},
  answer: { status?: number; contentType?: string; url?: string } = {},
): ServerMetadataVerdict {
  const { status = 200, contentType = 'application/json', url = `${ISSUER}/.well-known/openid-configuration` } = answer
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return readServerMetadata({ status, contentType, body: text, url }, { issuer: ISSUER, requirePkce: true, ...context })
}

function errorOf(verdict: ServerMetadataVerdict) {
  if (verdict.kind !== 'invalid' && verdict.kind !== 'unavailable') throw new Error(`no error: ${verdict.kind}`)
  return verdict.error
}

function metadataOf(verdict: ServerMetadataVerdict) {
  if (verdict.kind !== 'found') throw new Error(`not found: ${JSON.stringify(verdict)}`)
  return verdict.metadata
}

describe('where to look', () => {
  it('R-ASM-1 field D1: an issuer with a path has three candidates, 8414-insert, OIDC-insert, OIDC-append', () => {
    expect(serverMetadataUrls('https://auth.example.com/realms/mcp')).toEqual([
      'https://auth.example.com/.well-known/oauth-authorization-server/realms/mcp',
      'https://auth.example.com/.well-known/openid-configuration/realms/mcp',
      'https://auth.example.com/realms/mcp/.well-known/openid-configuration',
    ])
  })

  it.each(['https://auth.example.com', 'https://auth.example.com/'])('R-ASM-1 %s has the two root forms', issuer => {
    expect(serverMetadataUrls(issuer)).toEqual([
      'https://auth.example.com/.well-known/oauth-authorization-server',
      'https://auth.example.com/.well-known/openid-configuration',
    ])
  })

  it('R-ASM-1 drops one trailing slash of the path, and only one', () => {
    expect(serverMetadataUrls('https://h/a/')[0]).toBe('https://h/.well-known/oauth-authorization-server/a')
    expect(serverMetadataUrls('https://h/a//')[0]).toBe('https://h/.well-known/oauth-authorization-server/a/')
  })

  it('field D2: the path of an issuer is never shortened to the origin', () => {
    for (const url of serverMetadataUrls('https://h/oauth2/default')) expect(url).toContain('/oauth2/default')
  })

  it('R-ASM-1 an issuer that is no URL is a typed error', () => {
    expect(() => serverMetadataUrls('auth')).toThrow(expect.objectContaining({ code: 'server_metadata_invalid' }))
  })
})

describe('issuer', () => {
  it.each([
    'https://auth.example.com/Tenant',
    'https://auth.example.com/other',
    'https://auth.example.com',
    'https://AUTH.example.com/tenant',
    'https://auth.example.com:443/tenant',
    'https://auth.example.com/x/../tenant',
    'https://auth.example.com/%74enant',
    ' https://auth.example.com/tenant',
  ])('R-ASM-2 field D4: %s is another issuer, though URL may find it equal; both are shown', issuer => {
    const error = errorOf(read({ ...DOCUMENT, issuer }))
    expect(error.code).toBe('issuer_mismatch')
    expect(error.detail).toMatchObject({ expected: ISSUER, received: issuer.trim() })
  })

  it.each([
    [ISSUER, `${ISSUER}/`],
    [`${ISSUER}/`, ISSUER],
    ['https://accounts.example.com/', 'https://accounts.example.com'],
  ])(
    'R-ASM-2 field D5: %s against %s differ by one slash: an error of its own with its own hint',
    (issuer, published) => {
      const error = errorOf(read({ ...DOCUMENT, issuer: published }, { issuer }))
      expect(error.code).toBe('issuer_trailing_slash')
      expect(error.detail.hint).toContain(`trustedIssuer: "${published}"`)
    },
  )

  it('R-ASM-2 an exception names the exact other string and no more', () => {
    const trustedIssuer = 'https://accounts.example.com'
    expect(metadataOf(read({ ...DOCUMENT, issuer: trustedIssuer }, { trustedIssuer })).issuer).toBe(trustedIssuer)
    expect(errorOf(read({ ...DOCUMENT, issuer: `${trustedIssuer}/` }, { trustedIssuer })).code).toBe('issuer_mismatch')
    expect(metadataOf(read(DOCUMENT, { trustedIssuer })).issuer).toBe(ISSUER)
  })

  it('R-ASM-2 is judged before anything else in the document', () => {
    const hostile = { issuer: 'https://evil.example.com', token_endpoint: 'javascript:alert(1)' }
    expect(errorOf(read(hostile)).code).toBe('issuer_mismatch')
  })

  it('R-ASM-2 property: found means identical strings', () => {
    const near = fc.constantFrom(
      ISSUER,
      `${ISSUER}/`,
      ISSUER.toUpperCase(),
      `${ISSUER}?`,
      `${ISSUER}#`,
      `${ISSUER}\u0000`,
    )
    fc.assert(
      fc.property(fc.oneof(near, fc.string(), fc.webUrl()), fc.oneof(near, fc.webUrl()), (published, issuer) => {
        const found = read({ ...DOCUMENT, issuer: published }, { issuer }).kind === 'found'
        expect(found).toBe(published === issuer)
      }),
    )
  })
})

describe('which answers count', () => {
  it.each([400, 401, 403, 404, 410, 302])('R-ASM-3 %d means the next candidate', status => {
    expect(read(DOCUMENT, {}, { status }).kind).toBe('absent')
  })

  it.each([
    ['HTML', '<!doctype html>'],
    ['an empty object (field D14)', {}],
    ['an array', []],
    ['no issuer', { ...DOCUMENT, issuer: undefined }],
    ['an issuer that is no string', { ...DOCUMENT, issuer: [ISSUER] }],
    ['no token endpoint', { ...DOCUMENT, token_endpoint: undefined }],
    ['a null token endpoint', { ...DOCUMENT, token_endpoint: null }],
    ['no authorization endpoint', { ...DOCUMENT, authorization_endpoint: undefined }],
  ])('R-ASM-3 200 with %s means the next candidate', (_, body) => {
    expect(read(body).kind).toBe('absent')
  })

  it.each([500, 502, 503, 429])('R-ASM-3 %d is transient and says that it may pass', status => {
    const error = errorOf(read('', {}, { status }))
    expect(error).toMatchObject({ code: 'discovery_unavailable', retryable: true })
    expect(error.message).toContain('may pass')
  })

  it('R-ASM-3 judges by shape, not by well-known name or content type, and keeps unknown members', () => {
    const extended = { ...DOCUMENT, new_member: [1], scopes_supported: null, grant_types_supported: 'code' }
    const metadata = metadataOf(read(extended, {}, { contentType: 'text/plain', url: 'https://auth.example.com/odd' }))
    expect(metadata.raw['new_member']).toEqual([1])
    expect(metadata).not.toHaveProperty('scopesSupported')
    expect(metadata).not.toHaveProperty('grantTypesSupported')
  })
})

describe('endpoints', () => {
  const names = [
    'authorization_endpoint',
    'token_endpoint',
    'registration_endpoint',
    'revocation_endpoint',
    'device_authorization_endpoint',
  ]
  const refused = [
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'http://auth.example.com/x',
    'http://10.0.0.1/x',
    'http://localhost.evil.com/x',
    'HTTP://auth.example.com/x',
    'https://user:pass@auth.example.com/x',
    '/relative',
    'not a url',
    7,
  ]

  it.each(names)('R-ASM-4 %s must be https or loopback http', name => {
    for (const value of refused) {
      // A token or authorization endpoint that is not even a string makes the document none at all.
      const verdict = read({ ...DOCUMENT, [name]: value })
      if (value === 7 && name === 'token_endpoint') expect(verdict.kind).toBe('absent')
      else expect(errorOf(verdict)).toMatchObject({ code: 'url_refused', message: expect.stringContaining(name) })
    }
  })

  it.each(['http://localhost:9000/x', 'http://127.0.0.1:9000/x', 'http://[::1]:9000/x', 'https://other.example.com/x'])(
    'R-ASM-4 %s is allowed',
    endpoint => {
      expect(metadataOf(read({ ...DOCUMENT, token_endpoint: endpoint })).tokenEndpoint).toBe(endpoint)
    },
  )

  it('R-ASM-4 empty and null optional endpoints are absent', () => {
    const metadata = metadataOf(read({ ...DOCUMENT, registration_endpoint: null, revocation_endpoint: '' }))
    expect(metadata).not.toHaveProperty('registrationEndpoint')
    expect(metadata).not.toHaveProperty('revocationEndpoint')
  })
})

describe('PKCE', () => {
  it.each([
    ['absent', undefined],
    ['empty', []],
    ['plain only', ['plain']],
    ['in lower case', ['s256']],
    ['a string', 'S256'],
    ['null', null],
  ])('R-ASM-5 field D15: S256 %s is refused with a precise message', (_, methods) => {
    const error = errorOf(read({ ...DOCUMENT, code_challenge_methods_supported: methods }))
    expect(error.code).toBe('pkce_unsupported')
    expect(error.detail.expected).toContain('S256')
  })

  it('R-ASM-5 field D15: an exception asserts S256 where no list is published, never against one', () => {
    const silent = { ...DOCUMENT, code_challenge_methods_supported: undefined }
    expect(read(silent, { assumeS256: true }).kind).toBe('found')
    const contrary = { ...DOCUMENT, code_challenge_methods_supported: ['plain'] }
    expect(errorOf(read(contrary, { assumeS256: true })).code).toBe('pkce_unsupported')
  })

  it('R-ASM-5 grants without a user need neither S256 nor an authorization endpoint', () => {
    const bare = { issuer: ISSUER, token_endpoint: DOCUMENT.token_endpoint }
    const metadata = metadataOf(read(bare, { requirePkce: false }))
    expect(metadata).not.toHaveProperty('authorizationEndpoint')
  })
})

const advertised = (value: unknown): boolean =>
  metadataOf(read({ ...DOCUMENT, client_id_metadata_document_supported: value })).clientIdMetadataDocumentSupported

const required = (value: unknown): boolean =>
  metadataOf(read({ ...DOCUMENT, authorization_response_iss_parameter_supported: value }))
    .authorizationResponseIssParameterSupported

describe('flags', () => {
  it('R-CIMD-1 only JSON true advertises client-id metadata documents', () => {
    expect(advertised(true)).toBe(true)
    for (const value of ['true', 1, {}, [], 'yes', false, null, undefined]) expect(advertised(value)).toBe(false)
  })

  it('R-AUTHZ-2 only JSON true requires iss', () => {
    expect(required(true)).toBe(true)
    for (const value of ['true', 1, null, undefined]) expect(required(value)).toBe(false)
  })
})

it('R-PRM-6 a server with no metadata has /authorize, /token and /register at its origin', () => {
  expect(legacyServerMetadata('https://mcp.example.com/mcp')).toMatchObject({
    issuer: 'https://mcp.example.com',
    authorizationEndpoint: 'https://mcp.example.com/authorize',
    tokenEndpoint: 'https://mcp.example.com/token',
    registrationEndpoint: 'https://mcp.example.com/register',
    clientIdMetadataDocumentSupported: false,
    authorizationResponseIssParameterSupported: false,
  })
})
