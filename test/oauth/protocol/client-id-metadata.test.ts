import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  assertClientIdMetadataDocumentUrl,
  clientIdMetadataDocument,
  isClientIdMetadataDocumentUrl,
} from '../../../src/oauth/protocol/client-id-metadata.ts'

const DOCUMENT_URL = 'https://client.example.com/oauth/client.json'

describe('the URL', () => {
  it.each([
    DOCUMENT_URL,
    'https://client.example.com:8443/a',
    'https://c/a/',
    'https://c/.well-known/client',
    'https://c/a@b',
    'https://c/..a',
  ])('R-CIMD-2 %s may be one', url => {
    expect(isClientIdMetadataDocumentUrl(url)).toBe(true)
    expect(() => assertClientIdMetadataDocumentUrl(url)).not.toThrow()
  })

  it.each([
    'http://client.example.com/a',
    'http://localhost/a',
    'http://127.0.0.1:8080/a',
    'https:/client.example.com/a',
    'https:client.example.com/a',
    'https://',
    'https:///a',
    'https://client.example.com',
    'https://client.example.com/',
    'https://client.example.com/a?',
    'https://client.example.com/a?b=c',
    'https://client.example.com/a#',
    'https://client.example.com/a#b',
    'https://@client.example.com/a',
    'https://:@client.example.com/a',
    'https://user@client.example.com/a',
    'https://user:pass@client.example.com/a',
    'https://client.example.com/.',
    'https://client.example.com/./a',
    'https://client.example.com/a/..',
    'https://client.example.com/a/../b',
    'https://client.example.com/a/%2e%2e/b',
    'https://client.example.com/a/%2E./b',
    'https://client.example.com/%2e/b',
    'https://client.example.com\\a',
    'https://client.example.com/a\\..\\b',
    'https://client.exa\tmple.com/a',
    ' https://client.example.com/a',
    'https://client.example.com/a\n',
    'https://client.example.com/ä',
    'https://clïent.example.com/a',
    'https://cl%69ent.example.com/a',
    'https://client.example.com/a b',
    'https://client.example.com/`',
    'https://client.example.com:99999/a',
    'ftp://client.example.com/a',
    'client.json',
    '',
  ])('R-CIMD-2 %j is refused on the raw string', url => {
    expect(isClientIdMetadataDocumentUrl(url)).toBe(false)
    expect(() => assertClientIdMetadataDocumentUrl(url)).toThrow(
      expect.objectContaining({ code: 'client_metadata_url_invalid' }),
    )
  })

  it('R-CIMD-2 never throws, and accepts only what URL leaves unchanged in host and path', () => {
    const text = fc.oneof(
      fc.anything(),
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.string().map(end => `https://c/${end}`),
    )
    fc.assert(
      fc.property(text, value => {
        if (!isClientIdMetadataDocumentUrl(value)) return
        const url = new URL(value as string)
        expect(url.protocol).toBe('https:')
        expect(url.username + url.password + url.search + url.hash).toBe('')
        expect((value as string).endsWith(url.pathname)).toBe(true)
        expect(url.pathname).not.toBe('/')
      }),
      { numRuns: 500 },
    )
  })
})

describe('the document', () => {
  const input = {
    url: DOCUMENT_URL,
    clientName: 'Latchkey',
    redirectUris: ['http://127.0.0.1:13316/callback', 'http://localhost/callback'],
  }

  it('R-CIMD-6 field R14: its client_id is its URL, with the name and every redirect URI', () => {
    expect(clientIdMetadataDocument(input)).toEqual({
      client_id: DOCUMENT_URL,
      client_name: 'Latchkey',
      redirect_uris: input.redirectUris,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    })
  })

  it('R-CIMD-5 the method is none, or private_key_jwt when keys are configured', () => {
    const document = clientIdMetadataDocument({ ...input, jwksUri: 'https://client.example.com/jwks.json' })
    expect(document['token_endpoint_auth_method']).toBe('private_key_jwt')
    expect(document['jwks_uri']).toBe('https://client.example.com/jwks.json')
    expect(document).not.toHaveProperty('client_secret')
    const key = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }
    expect(clientIdMetadataDocument({ ...input, jwks: [key] })).toMatchObject({
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [key] },
    })
  })

  it.each([
    { jwks: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y', d: 'canary' }] },
    { jwks: [{ kty: 'oct', k: 'canary' }] },
    { jwks: [{ kty: 'EC' }], jwksUri: 'https://client.example.com/jwks.json' },
  ])('R-CIMD-5 never publishes a secret, nor keys in two ways: %j', keys => {
    const attempt = (): unknown => clientIdMetadataDocument({ ...input, ...keys })
    expect(attempt).toThrow(expect.objectContaining({ code: 'configuration' }))
    expect(attempt).not.toThrow(/canary/)
  })

  it('R-CIMD-6 refuses a URL that cannot be one, and a document without redirect URIs', () => {
    expect(() => clientIdMetadataDocument({ ...input, url: 'https://c/' })).toThrow(
      expect.objectContaining({ code: 'client_metadata_url_invalid' }),
    )
    expect(() => clientIdMetadataDocument({ ...input, redirectUris: [] })).toThrow(
      expect.objectContaining({ code: 'configuration' }),
    )
  })
})
