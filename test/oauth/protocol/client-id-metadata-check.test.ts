import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkClientIdMetadataDocument,
  type ClientIdMetadataSource,
} from '../../../src/oauth/protocol/client-id-metadata-check.ts'
import type { ClientIdMetadataFinding } from '../../../src/oauth/protocol/client-id-metadata-finding.ts'
import { DEFAULT_REDIRECT_PORTS } from '../../../src/oauth/protocol/client-id-metadata-redirects.ts'
import { clientIdMetadataDocument } from '../../../src/oauth/protocol/client-id-metadata.ts'

const URL_OF_DOCUMENT = 'https://client.example.com/oauth/client.json'
const PUBLIC_KEY = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid: 'one' }

const complete: Readonly<Record<string, unknown>> = clientIdMetadataDocument({
  url: URL_OF_DOCUMENT,
  clientName: 'Otter Desk',
  clientUri: 'https://client.example.com',
  redirectUris: DEFAULT_REDIRECT_PORTS.map(port => `http://127.0.0.1:${port}/callback`),
})

const served = (headers: Record<string, string> = {}, status = 200): NonNullable<ClientIdMetadataSource['answer']> => {
  const all = new Headers({ 'content-type': 'application/json', 'cache-control': 'max-age=3600', ...headers })
  return { status, headers: all, contentType: all.get('content-type') }
}

/** The findings about the complete document with `changes`; an undefined member is left out. */
const about = (
  changes: Readonly<Record<string, unknown>>,
  source: Partial<ClientIdMetadataSource> = {},
): readonly ClientIdMetadataFinding[] =>
  checkClientIdMetadataDocument({
    url: URL_OF_DOCUMENT,
    answer: served(),
    body: JSON.stringify({ ...complete, ...changes }),
    ...source,
  })

const finding = (
  severity: 'error' | 'warning',
  member: string,
  message: RegExp,
): ReturnType<typeof expect.objectContaining> =>
  expect.objectContaining({ severity, about: member, message: expect.stringMatching(message) })

it('R-CIMD-6 finds nothing wrong with what the builder makes, whatever the keys', () => {
  expect(about({})).toEqual([])
  for (const keys of [{ jwksUri: 'https://client.example.com/jwks.json' }, { jwks: [PUBLIC_KEY] }]) {
    const document = clientIdMetadataDocument({
      url: URL_OF_DOCUMENT,
      clientName: 'Otter Desk',
      redirectUris: ['http://127.0.0.1:29310/callback', 'http://127.0.0.1:29311/callback'],
      ...keys,
    })
    expect(checkClientIdMetadataDocument({ body: JSON.stringify(document) })).toEqual([])
  }
})

it('R-CIMD-6 reports errors first, each with something to do', () => {
  const findings = about({
    client_id: 'x',
    client_name: undefined,
    grant_types: undefined,
    application_type: undefined,
  })
  const severities = findings.map(({ severity }) => severity)
  expect(severities).toEqual([...severities].sort())
  expect(new Set(severities)).toEqual(new Set(['error', 'warning']))
  for (const { hint, message } of findings) expect(hint.length * message.length).toBeGreaterThan(40)
})

describe('the URL and the client id', () => {
  it.each([
    'http://client.example.com/c',
    'https://client.example.com/',
    'https://client.example.com/c?d',
    'https://u:p@client.example.com/c',
    'nonsense',
  ])('R-CIMD-2 %s is refused, whether given or read from client_id', url => {
    expect(about({ client_id: url }, { url })).toEqual([finding('error', 'url', /cannot be a client id/)])
    const [fromDocument] = checkClientIdMetadataDocument({ body: JSON.stringify({ ...complete, client_id: url }) })
    expect(fromDocument).toMatchObject({ severity: 'error', about: 'client_id' })
    expect(JSON.stringify(fromDocument)).not.toContain('u:p')
  })

  it.each([
    [undefined, /missing/],
    [7, /no text/],
    ['https://client.example.com/oauth/other.json', /but the document is at/],
    [`${URL_OF_DOCUMENT}/`, /but the document is at/],
    ['https://client.example.com:443/oauth/client.json', /but the document is at/],
    ['https://Client.example.com/oauth/client.json', /but the document is at/],
  ])('field R14: client_id %j is not the URL', (clientId, message) => {
    expect(about({ client_id: clientId }).filter(({ about: member }) => member === 'client_id')).toEqual([
      finding('error', 'client_id', message),
    ])
  })

  it.each(['https://localhost/c', 'https://10.0.0.7/c', 'https://[::1]/c', 'https://169.254.169.254/c'])(
    'R-CIMD-6 %s is where public authorization servers do not fetch',
    url => {
      expect(about({ client_id: url, client_uri: undefined }, { url })).toEqual([
        finding('warning', 'url', /private network/),
      ])
    },
  )
})

describe('the answer', () => {
  it('field R15: a web page in place of the document points at the host, and is the only finding about it', () => {
    for (const status of [200, 403, 503]) {
      const findings = about({}, { answer: served({ 'content-type': 'text/html' }, status), body: '<!doctype html>' })
      expect(findings).toEqual([finding('error', 'answer', /web page/)])
      expect(findings[0]?.hint).toContain('plain CDN')
    }
    expect(about({}, { body: ' <html>' })).toEqual([finding('error', 'answer', /web page/)])
  })

  it.each([301, 302, 307, 308])('R-CIMD-6 a redirect (%i) is not followed', status => {
    const answer = served({ location: 'https://elsewhere.example/c?secret=1' }, status)
    const findings = about({}, { answer, body: '' })
    expect(findings).toEqual([finding('error', 'answer', /redirects to https:\/\/elsewhere\.example\/c/)])
    expect(JSON.stringify(findings)).not.toContain('secret=1')
  })

  it.each([201, 404, 403, 500])('R-CIMD-6 %i is not 200', status => {
    expect(about({}, { answer: served({}, status) })).toEqual([finding('error', 'answer', /200 only/)])
  })

  it.each([
    ['text/plain', false],
    ['application/octet-stream', false],
    ['application/jsonp', false],
    ['application/json; charset=utf-8', true],
    ['application/vnd.otter+json', true],
  ])('R-CIMD-6 content type %s', (contentType, accepted) => {
    expect(about({}, { answer: served({ 'content-type': contentType }) })).toEqual(
      accepted ? [] : [finding('error', 'answer', /content type is not JSON/)],
    )
  })

  it.each(['', 'no-store', 'max-age=0', 'no-cache, max-age=60'])('R-CIMD-6 hints at caching with %j', caching => {
    expect(about({}, { answer: served({ 'cache-control': caching }) })).toEqual([
      finding('warning', 'answer', /may not be cached/),
    ])
  })

  it.each(['', 'null', '[]', '{', '"x"'])('R-CIMD-6 %j is no document', body => {
    expect(about({}, { body })).toEqual([finding('error', 'document', /no JSON object/)])
  })

  it('R-CIMD-6 counts bytes: beyond five kilobytes many servers stop reading', () => {
    const size = JSON.stringify({ ...complete, software_id: '' }).length
    expect(about({ software_id: 'x'.repeat(5_120 - size) })).toEqual([])
    expect(about({ software_id: 'x'.repeat(5_121 - size) })).toEqual([finding('error', 'document', /5120 bytes/)])
    expect(about({ software_id: 'ü'.repeat((5_120 - size) / 2 + 1) })).toHaveLength(1)
  })

  it('R-CIMD-6 a byte order mark is a warning', () => {
    expect(about({}, { body: `\uFEFF${JSON.stringify(complete)}` })).toEqual([
      finding('warning', 'document', /byte order/),
    ])
  })
})

describe('secrets and keys', () => {
  it.each(['client_secret', 'client_secret_expires_at', 'registration_access_token'])('R-CIMD-5 refuses %s', name => {
    const findings = about({ [name]: 'canary-secret' })
    expect(findings).toEqual([finding('error', name, /no secret/)])
    expect(JSON.stringify(findings)).not.toContain('canary')
  })

  it.each(['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'client_secret_new', 7])(
    'R-CIMD-5 refuses the method %s',
    method => {
      expect(about({ token_endpoint_auth_method: method })).toEqual([
        finding('error', 'token_endpoint_auth_method', /shared secret/),
      ])
    },
  )

  it('R-CIMD-5 warns of a method that is missing, which means a secret, and of others than the two', () => {
    for (const [method, message] of [
      [undefined, /client_secret_basic/],
      ['tls_client_auth', /few authorization servers/],
    ] as const) {
      expect(about({ token_endpoint_auth_method: method })).toEqual([
        finding('warning', 'token_endpoint_auth_method', message),
      ])
    }
  })

  const keyed = { token_endpoint_auth_method: 'private_key_jwt' }
  it.each([
    [{}, 'error', 'jwks_uri', /needs public keys/],
    [{ jwks_uri: 'http://client.example.com/jwks' }, 'error', 'jwks_uri', /no https/],
    [{ jwks_uri: 'https://c.example/jwks', jwks: { keys: [PUBLIC_KEY] } }, 'error', 'jwks', /both/],
    [{ jwks: { keys: [] } }, 'error', 'jwks', /list of keys/],
    [{ jwks: [PUBLIC_KEY] }, 'error', 'jwks', /list of keys/],
    [{ jwks: { keys: [{}] } }, 'error', 'jwks', /no kty/],
    [{ jwks: { keys: [{ kty: 'oct', k: 'canary' }] } }, 'error', 'jwks', /everybody can read/],
    [{ jwks: { keys: [{ ...PUBLIC_KEY, d: 'canary' }] } }, 'error', 'jwks', /everybody can read/],
    [{ jwks: { keys: [PUBLIC_KEY, { ...PUBLIC_KEY, kid: undefined }] } }, 'warning', 'jwks', /kid/],
    [
      { jwks: { keys: [PUBLIC_KEY] }, token_endpoint_auth_signing_alg: 'HS256' },
      'error',
      'token_endpoint_auth_signing_alg',
      /key pair/,
    ],
  ] as const)('R-CIMD-5 keys: %j', (changes, severity, member, message) => {
    const findings = about({ ...keyed, ...changes })
    expect(findings).toEqual([finding(severity, member, message)])
    expect(JSON.stringify(findings)).not.toContain('canary')
  })
})

describe('the key set at jwks_uri', () => {
  const document = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://client.example.com/jwks.json' }
  const answered = (body: unknown, status = 200): readonly ClientIdMetadataFinding[] =>
    about(document, { keySet: { status, contentType: 'application/json', body: JSON.stringify(body) } })

  it('R-CIMD-5 is judged like one in the document', () => {
    expect(about(document)).toEqual([])
    expect(answered({ keys: [PUBLIC_KEY] })).toEqual([])
    expect(answered({ keys: [PUBLIC_KEY] }, 404)).toEqual([finding('error', 'jwks_uri', /answers 404/)])
    expect(answered({ keys: [PUBLIC_KEY] }, 302)).toEqual([finding('error', 'jwks_uri', /answers 302/)])
    expect(answered({ keys: [] })).toEqual([finding('error', 'jwks_uri', /list of keys/)])
    expect(about(document, { keySet: 'unreachable' })).toEqual([finding('error', 'jwks_uri', /cannot be reached/)])
    expect(answered('x')).toEqual([finding('error', 'jwks_uri', /list of keys/)])
    const leaked = answered({ keys: [{ ...PUBLIC_KEY, d: 'canary' }] })
    expect(leaked).toEqual([finding('error', 'jwks_uri', /key 1 holds a secret/)])
    expect(JSON.stringify(leaked)).not.toContain('canary')
  })
})

describe('redirect URIs', () => {
  const spare = 'http://127.0.0.1:29311/callback'
  it.each([
    ['http://127.0.0.1/callback', 'warning', /names no port/],
    ['http://[::1]/callback', 'warning', /names no port/],
    ['http://localhost/callback', 'warning', /names no port/],
    ['http://127.0.0.1:0/callback', 'error', /port 0/],
    ['http://app.example.com/callback', 'error', /no loopback address/],
    ['https://app.example.com/callback#x', 'error', /fragment/],
    ['https://app.example.com/callback#', 'error', /fragment/],
    ['https://app.example.com/*', 'error', /wildcard/],
    ['https://user@app.example.com/callback', 'error', /user name/],
    ['javascript:alert(1)', 'error', /scheme that no one/],
    ['callback', 'error', /no URL/],
    [7, 'error', /no URL/],
  ] as const)('field R13: %s', (uri, severity, message) => {
    expect(about({ redirect_uris: [uri, 'http://127.0.0.1:29310/callback', spare] })).toEqual([
      finding(severity, 'redirect_uris', message),
    ])
  })

  it('field R16: a scheme of its own is a warning that suggests loopback', () => {
    const findings = about({ redirect_uris: ['otter://callback'] })
    expect(findings).toEqual([finding('warning', 'redirect_uris', /scheme of its own/)])
    expect(findings[0]?.hint).toContain('127.0.0.1')
  })

  it.each([[undefined], [null], [[]], ['http://127.0.0.1:29310/callback']])('R-CIMD-6 %j is no list of them', uris => {
    expect(about({ redirect_uris: uris }).find(({ severity }) => severity === 'error')).toEqual(
      finding('error', 'redirect_uris', /redirect_uris is/),
    )
  })

  it('field R13: one port is too few, port 80 is explicit, and localhost alone is a warning', () => {
    const one = 'http://127.0.0.1:29310/callback'
    expect(about({ redirect_uris: [one] })).toEqual([finding('warning', 'redirect_uris', /only one loopback port/)])
    expect(about({ redirect_uris: [one, one, spare] })).toEqual([finding('warning', 'redirect_uris', /twice/)])
    expect(about({ redirect_uris: ['http://127.0.0.1:80/callback', spare] })).toEqual([])
    expect(about({ redirect_uris: ['http://localhost:1/c', 'http://localhost:2/c'] })).toEqual([
      finding('warning', 'redirect_uris', /localhost is the only/),
    ])
    expect(about({ redirect_uris: ['https://app.example.com/callback'], application_type: 'web' })).toEqual([])
  })

  it('field R13: our own ports lie below the ranges systems take ports from', () => {
    expect(DEFAULT_REDIRECT_PORTS).toHaveLength(10)
    for (const port of DEFAULT_REDIRECT_PORTS) expect(port > 1_024 && port < 32_768).toBe(true)
  })

  it('R-CIMD-6 says no more about a thousand bad URIs than about ten', () => {
    expect(about({ redirect_uris: Array.from({ length: 300 }, (_, i) => `x${i}`) }).length).toBeLessThan(15)
  })
})

describe('what the client is', () => {
  it.each([
    [{ client_name: undefined }, 'error', 'client_name', /missing/],
    [{ client_name: ' ' }, 'error', 'client_name', /missing/],
    [{ client_name: 'a\u202eb' }, 'warning', 'client_name', /not shown/],
    [{ client_uri: 'http://client.example.com' }, 'error', 'client_uri', /no https/],
    [{ client_uri: 'https://other.example' }, 'warning', 'client_uri', /another host/],
    [{ logo_uri: 'data:image/png,x' }, 'error', 'logo_uri', /no https/],
    [{ scope: ['a'] }, 'error', 'scope', /no text/],
    [{ grant_types: undefined }, 'warning', 'grant_types', /log in each time/],
    [{ grant_types: ['authorization_code'] }, 'warning', 'grant_types', /log in each time/],
    [{ grant_types: 'authorization_code' }, 'error', 'grant_types', /no list/],
    [{ grant_types: ['authorization_code', 'refresh_token', 'implicit'] }, 'warning', 'grant_types', /obsolete/],
    [{ response_types: [] }, 'error', 'response_types', /needs the response type code/],
    [{ response_types: 'code' }, 'error', 'response_types', /no list/],
    [{ application_type: undefined }, 'warning', 'application_type', /means web/],
    [{ application_type: 'web' }, 'warning', 'application_type', /web client/],
    [{ application_type: 'desktop' }, 'error', 'application_type', /neither/],
    [{ logo_uri: null }, 'warning', 'logo_uri', /null/],
  ] as const)('R-CIMD-6 %j', (changes, severity, member, message) => {
    expect(about(changes)).toEqual([finding(severity, member, message)])
  })

  it('R-CIMD-6 members nobody here knows are none of its business', () => {
    expect(about({ software_id: 'x', 'x-custom': { a: 1 } })).toEqual([])
  })
})

it('R-CIMD-6 never throws, and no finding can drive a terminal', () => {
  const names = [...Object.keys(complete), 'jwks', 'jwks_uri', 'client_secret', 'scope']
  const text = fc.string({ unit: 'binary' })
  const document = fc.dictionary(fc.constantFrom(...names), fc.anything())
  fc.assert(
    fc.property(document, text, text, fc.integer({ min: 100, max: 599 }), (value, url, type, status) => {
      const body = fc.stringify(value)
      for (const each of [body, safeJson(value)]) {
        const answer = { status, contentType: type }
        for (const { message, hint } of checkClientIdMetadataDocument({ body: each, url, answer })) {
          expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
          expect(hint).not.toMatch(/[\p{Cc}\p{Cf}]/u)
        }
      }
    }),
    { numRuns: 200 },
  )
})

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}
