import { describe, expect, it } from 'vitest'
import { OAuthError } from '../../../src/oauth/errors.ts'
import {
  minimalRegistrationBody,
  readRegistrationResponse,
  registrationBody,
} from '../../../src/oauth/protocol/registration.ts'
import type { RegistrationCredentials } from '../../../src/oauth/protocol/registration-rejection.ts'

const INPUT = {
  redirectUris: ['http://127.0.0.1:1234/callback'],
  clientName: 'Latchkey',
  scope: 'a offline_access',
  grantTypes: ['authorization_code', 'refresh_token'],
  authMethod: 'none',
} as const
const REQUESTED = registrationBody(INPUT)

interface Given {
  status?: number
  type?: string
  requested?: Record<string, unknown>
  credentials?: RegistrationCredentials
}

function read(body: unknown, given: Given = {}) {
  const { status = 201, type = 'application/json', requested = REQUESTED } = given
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const answer = { status, contentType: type, body: text, url: 'https://auth.example.com/register' }
  return readRegistrationResponse(answer, requested, given.credentials)
}

function failure(...args: Parameters<typeof read>): OAuthError {
  try {
    read(...args)
  } catch (error) {
    if (error instanceof OAuthError) return error
    throw error
  }
  throw new Error('was accepted')
}

describe('the request', () => {
  it('R-DCR-1 field R8: a full body: scope as in the authorization request, method, grant and response types', () => {
    expect(REQUESTED).toEqual({
      redirect_uris: ['http://127.0.0.1:1234/callback'],
      client_name: 'Latchkey',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      scope: 'a offline_access',
    })
  })

  it('R-DCR-1 field R9 R-CIMD-6: registered members only, none null or empty, never resource or client_id', () => {
    const registered = `redirect_uris client_name client_uri logo_uri contacts tos_uri policy_uri software_id
      software_version grant_types response_types token_endpoint_auth_method application_type scope`.split(/\s+/u)
    const stray = { resource: 'https://mcp.example.com', client_id: 'x', url: 'https://x/y' }
    const body = registrationBody({
      ...INPUT,
      ...stray,
      clientUri: 'https://c',
      logoUri: '',
      contacts: [],
      softwareId: 's',
    })
    for (const [name, value] of Object.entries(body)) {
      expect(registered).toContain(name)
      expect(value).not.toBeNull()
    }
    expect(body).toMatchObject({ client_uri: 'https://c', software_id: 's' })
    expect(body).not.toHaveProperty('logo_uri')
    expect(body).not.toHaveProperty('contacts')
  })

  it('field S8: no scope gives no member', () => {
    expect(registrationBody({ ...INPUT, scope: '' })).not.toHaveProperty('scope')
    expect(registrationBody({ ...INPUT, scope: undefined })).not.toHaveProperty('scope')
  })

  it.each([
    [['http://localhost:1/cb'], 'native'],
    [['http://127.0.0.1:1/cb', 'http://[::1]:1/cb'], 'native'],
    [['com.example.app:/cb'], 'native'],
    [['https://app.example.com/cb'], 'web'],
    [['http://127.0.0.1:1/cb', 'https://app.example.com/cb'], 'web'],
  ])('R-DCR-1 %j is %s', (redirectUris, type) => {
    expect(registrationBody({ ...INPUT, redirectUris })['application_type']).toBe(type)
  })

  it('field R9: the minimal body keeps what the code flow needs', () => {
    const body = registrationBody({ ...INPUT, clientUri: 'https://c', softwareVersion: '1' })
    const minimal = minimalRegistrationBody(body)
    const dropped = Object.keys(body).filter(name => !(name in minimal))
    expect(dropped).toEqual(['client_uri', 'software_version', 'application_type'])
  })

  it('R-DCR-1 a software statement is sent, with the minimal body, too (RFC 7591 §2.3)', () => {
    const body = registrationBody({ ...INPUT, softwareStatement: 'a.signed.jwt' })
    expect(body['software_statement']).toBe('a.signed.jwt')
    expect(minimalRegistrationBody(body)['software_statement']).toBe('a.signed.jwt')
    expect(REQUESTED).not.toHaveProperty('software_statement')
  })

  it('R-DCR-1 R-DEVICE-1 a grant without a redirect registers no redirect URI, and no response type, which left out would mean code', () => {
    const grantTypes = ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token']
    const body = registrationBody({ ...INPUT, redirectUris: [], grantTypes })
    expect(body).toMatchObject({ grant_types: grantTypes, response_types: [], application_type: 'native' })
    for (const each of [body, minimalRegistrationBody(body)]) expect(each).not.toHaveProperty('redirect_uris')
    expect(read({ client_id: 'c' }, { requested: body })).not.toHaveProperty('redirectUris')
  })
})

describe('a success', () => {
  it('R-DCR-2 200 and 201 succeed, and the answer governs', () => {
    for (const status of [200, 201]) {
      const body = {
        client_id: 'c',
        client_secret: 's',
        client_secret_expires_at: 1_900_000_000,
        token_endpoint_auth_method: 'client_secret_post',
        redirect_uris: ['http://127.0.0.1:1234/callback', 'http://127.0.0.1:1/other'],
        registration_client_uri: 'https://auth.example.com/register/c',
        registration_access_token: 'rat',
      }
      expect(read(body, { status })).toEqual({
        kind: 'dynamic',
        clientId: 'c',
        clientSecret: 's',
        clientSecretExpiresAt: 1_900_000_000_000,
        tokenEndpointAuthMethod: 'client_secret_post',
        redirectUris: body.redirect_uris,
        registrationClientUri: 'https://auth.example.com/register/c',
        registrationAccessToken: 'rat',
      })
    }
  })

  it('R-DCR-2 field R7: asked none, answered with a secret and post: post it is', () => {
    const registration = read({ client_id: 'c', client_secret: 's', token_endpoint_auth_method: 'client_secret_post' })
    expect(registration.tokenEndpointAuthMethod).toBe('client_secret_post')
  })

  it.each([
    ['none', undefined, 'none'],
    ['none', 's', 'client_secret_basic'],
    ['client_secret_post', 's', 'client_secret_post'],
    ['client_secret_basic', 's', 'client_secret_basic'],
  ] as const)('R-DCR-2 asked %s, answered with secret %s and no method: %s', (authMethod, secret, expected) => {
    const requested = registrationBody({ ...INPUT, authMethod })
    expect(read({ client_id: 'c', client_secret: secret }, { requested }).tokenEndpointAuthMethod).toBe(expected)
  })

  it('R-DCR-2 null and empty optional members are ignored', () => {
    const body = {
      client_id: 'c',
      client_secret: null,
      client_secret_expires_at: null,
      token_endpoint_auth_method: '',
      redirect_uris: null,
      registration_client_uri: '',
      registration_access_token: null,
    }
    expect(read(body)).toEqual({
      kind: 'dynamic',
      clientId: 'c',
      tokenEndpointAuthMethod: 'none',
      redirectUris: INPUT.redirectUris,
    })
  })

  it('R-DCR-2 an expiry of 0 means never', () => {
    expect(read({ client_id: 'c', client_secret: 's', client_secret_expires_at: 0 })).not.toHaveProperty(
      'clientSecretExpiresAt',
    )
  })

  it('R-DCR-3 an issuer in the answer is ignored', () => {
    expect(JSON.stringify(read({ client_id: 'c', issuer: 'https://evil', iss: 'https://evil' }))).not.toContain('evil')
  })

  it('a management URI that is not https is dropped with its token', () => {
    const registration = read({
      client_id: 'c',
      registration_client_uri: 'http://evil/x',
      registration_access_token: 't',
    })
    expect(registration).not.toHaveProperty('registrationClientUri')
    expect(registration).not.toHaveProperty('registrationAccessToken')
  })
})

describe('a failure', () => {
  it.each([
    ['a secret method without a secret', { client_id: 'c', token_endpoint_auth_method: 'client_secret_basic' }],
    ['an empty secret', { client_id: 'c', client_secret: '', token_endpoint_auth_method: 'client_secret_post' }],
    ['an unsupported method', { client_id: 'c', client_secret: 's', token_endpoint_auth_method: 'tls_client_auth' }],
    ['no client id', { client_secret: 's' }],
    ['a client id that is a number', { client_id: 7 }],
    ['HTML', '<html>'],
  ])('R-DCR-2 %s fails at once', (_, body) => {
    const error = failure(body)
    expect(error.code).toBe('registration_invalid')
    expect(JSON.stringify([error.message, error.detail])).not.toContain('"s"')
  })

  it.each([
    ['field R2: 403 text', 'Forbidden', 403, 'text/plain', '403 Forbidden'],
    [
      'field R2: 400 JSON',
      { error: 'invalid_client_metadata', error_description: 'not allowlisted' },
      400,
      'application/json',
      'not allowlisted',
    ],
    ['another shape', { message: 'no' }, 400, 'application/json', '400 no'],
    ['200 with an error', { error: 'access_denied' }, 200, 'application/json', 'access_denied'],
    ['404 HTML', '<html><body>x</body></html>', 404, 'text/html', 'an HTML page'],
  ])('R-DCR-2 %s: rejected with status and the text of the server', (_, body, status, type, text) => {
    const error = failure(body, { status, type })
    expect(error.code).toBe('registration_rejected')
    expect(error.detail.status).toBe(status)
    expect(error.message).toContain(text)
    expect(error.detail.hint).toContain('pre-registered client')
  })

  it.each([401, 403])('an initial access token that got a %i is named in the hint, and never shown', status => {
    const secret = 'initial-access-token-1'
    const body = { error: 'invalid_token', error_description: `The token ${secret} is not known` }
    const error = failure(body, { status, credentials: { initialAccessToken: true, secrets: [secret, undefined] } })
    expect(error.detail.hint).toMatch(/initial access token.*expired/u)
    expect(error.detail.received).toBe('The token [redacted] is not known')
    expect(JSON.stringify([error.message, error.detail])).not.toContain(secret)
  })

  it('without an initial access token, a 401 says that there may be one to give', () => {
    expect(failure('', { status: 401 }).detail.hint).toMatch(/pre-registered client.*initial access token/u)
    expect(failure('', { status: 403 }).detail.hint).not.toContain('initial access token')
  })

  it('R-DCR-2 a 503 says that it may pass', () => {
    expect(failure('', { status: 503 }).detail.hint).toContain('may pass')
  })
})
