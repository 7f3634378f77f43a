import { expect, it } from 'vitest'
import { createProvider } from '../../../demo/src/authorization-server.ts'
import { checkClientIdMetadataDocument } from '../../../src/oauth/protocol/client-id-metadata-check.ts'
import { clientIdMetadataDocument } from '../../../src/oauth/protocol/client-id-metadata.ts'

const URL_OF_DOCUMENT = 'https://client.example.com/oauth/client.json'
const PUBLIC_KEY = {
  kty: 'EC',
  crv: 'P-256',
  x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
  y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
  use: 'sig',
  kid: 'one',
}
const input = {
  url: URL_OF_DOCUMENT,
  clientName: 'Otter Desk',
  redirectUris: ['http://127.0.0.1:29310/callback', 'http://127.0.0.1:29311/callback'],
}
const complete = clientIdMetadataDocument(input)

/** Whether oidc-provider, which fetches the document itself, accepts the client. */
async function oracleAccepts(response: Response): Promise<boolean> {
  const provider = await createProvider('https://auth.example.com', {
    features: { clientIdMetadataDocument: { enabled: true, ack: 'draft-02' }, devInteractions: { enabled: false } },
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    responseTypes: ['code'],
    pkce: { required: () => true },
    fetch: async () => response,
  })
  try {
    return (await provider.Client.find(URL_OF_DOCUMENT)) !== undefined
  } catch {
    return false
  }
}

async function judgedAlike(body: string, init: ResponseInit = {}): Promise<boolean> {
  const headers = { 'content-type': 'application/json', 'cache-control': 'max-age=60' }
  const response = new Response(body, { headers, ...init })
  const answer = {
    status: response.status,
    headers: response.headers,
    contentType: response.headers.get('content-type'),
  }
  const findings = checkClientIdMetadataDocument({ body, url: URL_OF_DOCUMENT, answer })
  const accepted = !findings.some(({ severity }) => severity === 'error')
  expect(await oracleAccepts(response), JSON.stringify(findings)).toBe(accepted)
  return accepted
}

it.each([
  {},
  { jwksUri: 'https://client.example.com/jwks.json' },
  { jwks: [PUBLIC_KEY] },
  { clientUri: 'https://client.example.com', grantTypes: ['authorization_code', 'refresh_token'] },
])('R-CIMD-6 oidc-provider accepts what the builder makes with %j', async changes => {
  expect(await judgedAlike(JSON.stringify(clientIdMetadataDocument({ ...input, ...changes })))).toBe(true)
})

it.each<Readonly<Record<string, unknown>>>([
  { client_id: `${URL_OF_DOCUMENT}/` },
  { client_id: undefined },
  { client_secret: 'x' },
  { client_secret_expires_at: 0 },
  { token_endpoint_auth_method: 'client_secret_basic' },
  { token_endpoint_auth_method: 'client_secret_jwt' },
  { token_endpoint_auth_method: 'private_key_jwt' },
  { jwks: { keys: [{ ...PUBLIC_KEY, d: 'AAAA' }] }, token_endpoint_auth_method: 'private_key_jwt' },
  { redirect_uris: [] },
  { redirect_uris: ['not a url'] },
  { redirect_uris: ['https://app.example.com/callback#fragment'] },
  { redirect_uris: ['http://app.example.com/callback'] },
  { application_type: 'desktop' },
  { client_uri: 'http://client.example.com' },
  { logo_uri: 'data:image/png,x' },
])('R-CIMD-6 oidc-provider refuses what is found wrong with %j', async changes => {
  expect(await judgedAlike(JSON.stringify({ ...complete, ...changes }))).toBe(false)
})

it('R-CIMD-6 oidc-provider refuses the same answers', async () => {
  const body = JSON.stringify(complete)
  expect(await judgedAlike(body, { status: 404 })).toBe(false)
  expect(await judgedAlike('[]')).toBe(false)
  expect(await judgedAlike('{')).toBe(false)
  expect(await judgedAlike('<!doctype html>', { headers: { 'content-type': 'text/html' } })).toBe(false)
})
