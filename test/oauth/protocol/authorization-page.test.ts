import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AuthorizationPage, readAuthorizationPage } from '../../../src/oauth/protocol/authorization-page.ts'

const CLIENT = 'a1b2c3d4-e5f6'
const REDIRECT_URI = 'http://127.0.0.1:4711/callback'
const REQUEST = {
  clientId: CLIENT,
  redirectUri: REDIRECT_URI,
  state: 'the-state',
  issuer: 'https://as.example.com',
  issRequired: true,
}

const judge = (page: Partial<AuthorizationPage>, request: Partial<typeof REQUEST> = {}) =>
  readAuthorizationPage(
    { status: 400, location: null, body: '', url: 'https://as.example.com/authorize?x=1', ...page },
    { ...REQUEST, ...request },
  )
const redirectedTo = (location: string, request: Partial<typeof REQUEST> = {}) =>
  judge({ status: 302, location }, request)

describe('error pages that refuse the client', () => {
  it.each([
    [422, '{"message":"Unrecognized client_id"}'],
    [400, '{"error":"invalid_client","error_description":"Invalid client_id"}'],
    [400, `{"error":"invalid_request","error_description":"Client ID '${CLIENT}' not found","state":"x"}`],
    [401, '{"error":"invalid_client","error_description":"Client not found."}'],
    [400, '{"code":"oidc.invalid_client","message":"An OIDC error occurred","error":"invalid_client"}'],
    [401, '{"error":"unauthorized_client"}'],
    [404, '{"error":{"code":"client_not_found","message":"gone"}}'],
    [404, '{"error":"Unknown client"}'],
    [400, '{"statusCode":400,"message":"Client is not registered"}'],
  ])('field R3: %i %s', (status, body) => {
    expect(judge({ status, body })).toMatchObject({ refused: 'client', text: expect.stringMatching(/\w/) })
  })

  it.each([
    '<title>Error</title>Unrecognized client_id',
    '<html><body><p class="instruction">Client not found.</p></body></html>',
    `<div><h1>Client Not Registered</h1><p>The client ID <code>${CLIENT}</code> was not found in the server's client registry.</p>`,
    '<h2>Error 401: invalid_client</h2><p>The OAuth client was not found.</p>',
    '<pre><strong>error</strong>: invalid_client</pre><pre>error_description: client is invalid</pre>',
    '<p>The requested OAuth 2.0 Client does not exist.</p>',
    `<p>AADSTS700016: Application with identifier &#39;${CLIENT}&#39; was not found in the directory &#39;x&#39;.</p>`,
    '<p>The &#39;client_id&#39; parameter specifies an invalid client.</p>',
    `<p>Unknown client: ${CLIENT}</p>`,
    "<p>This client doesn't exist</p>",
    'Reason: invalid_request. Invalid client_id',
    'Invalid client. The clientId provided does not match to this client.',
  ])('field R3: the page %s', body => {
    expect(judge({ body })?.refused).toBe('client')
  })

  it.each([
    '{"error":"invalid_client_metadata","error_description":"client_id does not match the expected value"}',
    '<pre><strong>error</strong>: invalid_client_metadata</pre>',
  ])('field R12: a document that the server cannot use: %s', body => {
    const clientId = 'https://client.example/oauth/client.json'
    expect(judge({ body }, { clientId })?.refused).toBe('client')
    expect(judge({ body })).toBeUndefined()
  })

  it.each([
    '<h1>redirect_uri_mismatch</h1>',
    '<p>Invalid redirect URI</p>',
    `{"error":"invalid_request","error_description":"Redirect URI '${REDIRECT_URI}' not registered for client"}`,
    'The redirect_uri is not allowed',
  ])('field R3: a registered redirect URI that is refused says that the registration is not what it was: %s', body => {
    expect(judge({ body })?.refused).toBe('redirect-uri')
  })

  it('tells it in the words of the server, without control characters and capped', () => {
    const { text = '' } = judge({ body: `<p>Client not\u0007 found</p>${'x'.repeat(5_000)}` }) ?? {}
    expect(text).toMatch(/^Client not found x+…$/u)
    expect(text.length).toBeLessThanOrEqual(300)
  })
})

describe('pages that say nothing about the client', () => {
  it.each([
    [200, '<form>Log in</form> invalid_client'],
    [500, '{"error":"invalid_client"}'],
    [503, 'Client not found'],
    [429, 'unknown client'],
    [408, 'unknown client'],
  ])('%i %s', (status, body) => {
    expect(judge({ status, body })).toBeUndefined()
  })

  it.each([
    '<h1>Please log in</h1>',
    'Not Found',
    // What a hosting platform says of its own when nothing runs there.
    '{"status":"error","code":404,"message":"Application not found"}',
    '<title>Application Not Found</title>',
    'Your client does not have permission to get URL /authorize from this server.',
    'Your client has issued a malformed or illegal request.',
    '{"error":"invalid_client_metadata","error_description":"Invalid client metadata"}',
    'Invalid client secret',
    '{"error":"invalid_scope","error_description":"The client may not ask for this scope"}',
    '{"error":"invalid_request","error_description":"code_challenge is required"}',
    '<script>const messages = {a: "invalid_client", b: "Client not found"}</script><p>Sign in</p>',
    '<script>const messages = {a: "invalid_client"}',
    '<!-- Client not found --> Sign in',
    'SSL client certificate not found',
    '[]',
    '',
  ])('%s', body => {
    expect(judge({ status: 403, body })).toBeUndefined()
  })

  it('a hostile page costs no time', () => {
    for (const body of ['<'.repeat(100_000), '<script '.repeat(20_000), 'client '.repeat(20_000), '&'.repeat(99_999)])
      expect(judge({ body })).toBeUndefined()
  })
})

describe('redirects', () => {
  const ours = (more: Record<string, string>): string =>
    `${REDIRECT_URI}?${new URLSearchParams({ state: 'the-state', iss: REQUEST.issuer, ...more }).toString()}`

  it('field R3: to an error page of the server with invalid_client', () => {
    const location = '/api/auth/error?error=invalid_client&error_description=client_id+is+required'
    expect(redirectedTo(location)).toEqual({ refused: 'client', text: 'client_id is required' })
  })

  it.each(['invalid_client', 'unauthorized_client'])('field R3: to our redirect URI with %s', error => {
    expect(redirectedTo(ours({ error }))).toEqual({ refused: 'client', text: error })
  })

  it.each(['access_denied', 'invalid_scope', 'login_required', 'server_error'])(
    'to our redirect URI with %s says nothing of the client',
    error => {
      expect(redirectedTo(ours({ error }))).toBeUndefined()
    },
  )

  it('R-AUTHZ-2 iss and state rule a refusal at our redirect URI as they rule every response', () => {
    const error = 'invalid_client'
    expect(redirectedTo(ours({ error, iss: 'https://evil.example.com' }))).toBeUndefined()
    expect(redirectedTo(ours({ error, state: 'another' }))).toBeUndefined()
    expect(redirectedTo(`${ours({ error })}&iss=${REQUEST.issuer}`)).toBeUndefined()
    const withoutIss = `${REDIRECT_URI}?state=the-state&error=${error}`
    expect(redirectedTo(withoutIss)).toBeUndefined()
    expect(redirectedTo(withoutIss, { issRequired: false })).toBeDefined()
  })

  it.each(['/login?return_to=%2Fauthorize', 'https://login.example.com/?error=access_denied', 'http://[', ''])(
    'to %j says nothing',
    location => {
      expect(redirectedTo(location)).toBeUndefined()
    },
  )

  it('without a location says nothing', () => {
    expect(judge({ status: 302 })).toBeUndefined()
  })
})

describe('anything else', () => {
  it('never throws, and shows no more than 300 characters of it', () => {
    const words = fc.constantFrom(
      'client',
      'client_id',
      'not',
      'found',
      'invalid',
      '<',
      '>',
      '&#',
      '"',
      '{',
      '§',
      CLIENT,
      ' ',
    )
    const body = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(words).map(parts => parts.join('')),
      fc.json(),
    )
    const page = fc.record({
      status: fc.integer({ min: 200, max: 599 }),
      body,
      location: fc.option(fc.oneof(fc.string(), fc.webUrl({ withQueryParameters: true }))),
    })
    fc.assert(
      fc.property(page, answer => {
        const refusal = judge(answer)
        expect(Array.from(refusal?.text ?? '').length).toBeLessThanOrEqual(300)
        if (refusal) expect(Math.floor(answer.status / 100) === 4 || answer.location !== null).toBe(true)
      }),
    )
  })
})
