import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OAuthError } from '../../../src/oauth/errors.ts'
import type { HttpAnswer } from '../../../src/oauth/protocol/http-answer.ts'
import { pushedAuthorizationUrl, readPushedAuthorization } from '../../../src/oauth/protocol/pushed-authorization.ts'

const REQUEST_URI = 'urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c'

function answer(body: unknown, status = 201, given: Partial<HttpAnswer> = {}): HttpAnswer {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const url = 'https://as.example.com/par?key=secret'
  return { status, headers: new Headers(), contentType: 'application/json', body: text, url, ...given }
}

const expiresIn = (value: unknown) => {
  const verdict = readPushedAuthorization(answer({ request_uri: REQUEST_URI, expires_in: value }))
  return verdict.kind === 'accepted' ? verdict.expiresIn : verdict.kind
}

describe('the answer to a pushed request', () => {
  it.each([200, 201])('is accepted with a request_uri and %i (RFC 9126 §2.2)', status => {
    expect(readPushedAuthorization(answer({ request_uri: REQUEST_URI, expires_in: 90 }, status))).toEqual({
      kind: 'accepted',
      requestUri: REQUEST_URI,
      expiresIn: 90,
    })
  })

  it('lives no time at all when the server does not say how long', () => {
    expect(expiresIn('600')).toBe(600)
    for (const value of [undefined, null, true, [600], {}, '', 'soon', -5, 1e300]) expect(expiresIn(value)).toBe(0)
  })

  it.each([400, 401, 403, 413])('an OAuth error with %i is a definite refusal', status => {
    const body = { error: 'invalid_redirect_uri', error_description: 'not registered' }
    expect(readPushedAuthorization(answer(body, status))).toMatchObject({
      kind: 'refused',
      error: {
        code: 'authorization_refused',
        detail: { oauthError: 'invalid_redirect_uri', oauthErrorDescription: 'not registered', status },
      },
    })
  })

  it.each<[string, unknown, number]>([
    ['a page that is not there', '<html>', 404],
    ['a success without a request_uri', {}, 201],
    ['a success with an empty one', { request_uri: '' }, 201],
    ['a refusal that holds a request_uri', { request_uri: REQUEST_URI }, 400],
    ['too many requests', { error: 'invalid_request' }, 429],
    ['a broken server', { error: 'server_error' }, 500],
    ['not now', { error: 'temporarily_unavailable' }, 400],
    ['nothing', '', 204],
  ])('%s says nothing about the request', (_name, body, status) => {
    const verdict = readPushedAuthorization(answer(body, status, { headers: new Headers({ 'retry-after': '3' }) }))
    expect(verdict).toMatchObject({
      kind: 'unusable',
      error: { code: 'token_unavailable', retryable: true, detail: { status, retryAfterMs: 3000 } },
    })
  })

  it('repeats no secret that was sent', () => {
    const secrets = ['client-assertion-canary']
    const bodies = [
      { error: 'invalid_client', error_description: 'client-assertion-canary is stale' },
      { error: 'client-assertion-canary' },
      '',
    ]
    for (const body of bodies) {
      const verdict = readPushedAuthorization(answer(body, 401, { secrets, contentType: 'client-assertion-canary' }))
      if (verdict.kind === 'accepted') throw new Error('was accepted')
      expect(verdict.error.message + JSON.stringify(verdict.error.detail)).not.toContain('canary')
    }
  })

  it('property: whatever is answered is judged, and an error is ours', () => {
    const names = fc.constantFrom('request_uri', 'expires_in', 'error', 'error_description')
    const body = fc.oneof(fc.string(), fc.json(), fc.dictionary(names, fc.jsonValue({ maxDepth: 2 })))
    fc.assert(
      fc.property(body, fc.constantFrom(200, 201, 400, 404, 429, 500), (generated, status) => {
        const verdict = readPushedAuthorization(answer(generated, status))
        if (verdict.kind === 'accepted') expect(verdict.expiresIn).toBeGreaterThanOrEqual(0)
        else expect(verdict.error).toBeInstanceOf(OAuthError)
      }),
    )
  })
})

describe('the URL of a pushed request', () => {
  it('keeps the query of the endpoint and holds nothing else (RFC 9126 §4)', () => {
    const url = pushedAuthorizationUrl(
      'https://as.example.com/authorize?tenant=a&client_id=b#f',
      'me & you',
      REQUEST_URI,
    )
    expect(Object.fromEntries(url.searchParams)).toEqual({
      tenant: 'a',
      client_id: 'me & you',
      request_uri: REQUEST_URI,
    })
    expect(url.hash).toBe('')
  })

  it('property: no request_uri reaches another parameter or place', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), requestUri => {
        const url = pushedAuthorizationUrl('https://as.example.com/authorize', 'c', requestUri)
        expect([...url.searchParams]).toEqual([
          ['client_id', 'c'],
          ['request_uri', requestUri],
        ])
        expect(url.href.startsWith('https://as.example.com/authorize?client_id=c&request_uri=')).toBe(true)
      }),
    )
  })
})
