import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OAuthError } from '../../../src/oauth/errors.ts'
import type { HttpAnswer } from '../../../src/oauth/protocol/http-answer.ts'
import {
  authorizationCodeForm,
  readTokenError,
  readTokenResponse,
  refreshForm,
} from '../../../src/oauth/protocol/token.ts'

const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'

function answer(
  body: unknown,
  given: { status?: number; type?: string | null; headers?: Record<string, string> } = {},
): HttpAnswer {
  const { status = 200, type = JSON_TYPE, headers = {} } = given
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return {
    status,
    contentType: type,
    headers: new Headers(headers),
    body: text,
    url: 'https://auth.example.com/token?key=secret',
  }
}

function failure(...args: Parameters<typeof readTokenResponse>): OAuthError {
  try {
    readTokenResponse(...args)
  } catch (error) {
    if (error instanceof OAuthError) return error
    throw error
  }
  throw new Error('was accepted')
}

const TOKEN = { access_token: 'at', token_type: 'Bearer' }

describe('forms', () => {
  it('R-TOKEN-4 the code form carries verifier, redirect URI and the resource verbatim', () => {
    const form = authorizationCodeForm({
      code: 'c',
      codeVerifier: 'v',
      redirectUri: 'http://127.0.0.1:1/callback',
      resource: 'https://mcp.example.com',
      extra: { audience: 'x', code: 'overridden' },
    })
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'authorization_code',
      code: 'c',
      code_verifier: 'v',
      redirect_uri: 'http://127.0.0.1:1/callback',
      resource: 'https://mcp.example.com',
      audience: 'x',
    })
  })

  it('R-TOKEN-4 so does the refresh form, with a scope only when one is given', () => {
    const form = refreshForm({ refreshToken: 'rt', resource: 'https://mcp.example.com' })
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'rt',
      resource: 'https://mcp.example.com',
    })
    expect(refreshForm({ refreshToken: 'rt', scope: 'a' }).get('scope')).toBe('a')
    expect(refreshForm({ refreshToken: 'rt' }).has('resource')).toBe(false)
  })
})

describe('a success', () => {
  it('R-TOKEN-1 field T1: JSON or form, by content type and then by content', () => {
    const expected = { accessToken: 'at', tokenType: 'Bearer', scope: 'a b', expiresIn: 60 }
    const json = JSON.stringify({ ...TOKEN, scope: 'a b', expires_in: 60 })
    const form = 'access_token=at&token_type=bearer&scope=a+b&expires_in=60'
    for (const type of [JSON_TYPE, `${FORM_TYPE}; charset=utf-8`, 'text/plain', 'text/html', null]) {
      expect(readTokenResponse(answer(json, { type }))).toEqual(expected)
      expect(readTokenResponse(answer(form, { type }))).toEqual(expected)
      expect(readTokenResponse(answer(`\uFEFF${json}\n`, { type }))).toEqual(expected)
    }
  })

  it('R-TOKEN-1 null and empty members are absent, unknown ones mean nothing', () => {
    const body = { ...TOKEN, token_type: null, refresh_token: null, scope: '', expires_in: null, id_token: null, x: 1 }
    expect(readTokenResponse(answer(body))).toEqual({ accessToken: 'at', tokenType: 'Bearer' })
  })

  it('R-DCR-3 an issuer in a token response is ignored', () => {
    expect(readTokenResponse(answer({ ...TOKEN, issuer: 'https://evil', iss: 'https://evil' }))).toEqual({
      accessToken: 'at',
      tokenType: 'Bearer',
    })
  })

  it.each<[unknown, number | undefined]>([
    [3600, 3600],
    ['3600', 3600],
    [' 3600 ', 3600],
    [0, 0],
    ['0', 0],
    [1.5, 1.5],
    [-1, undefined],
    ['soon', undefined],
    ['', undefined],
    [null, undefined],
    [[3600], undefined],
    [{}, undefined],
    [true, undefined],
    ['1e9', undefined],
    [3_155_760_000, 3_155_760_000],
    [9e12, undefined],
    ['9007199254740991', undefined],
    [1e300, undefined],
  ])('R-TOKEN-1 field T9: expires_in %j is %j: 0 is expired, garbage is unknown', (value, expected) => {
    expect(readTokenResponse(answer({ ...TOKEN, expires_in: value })).expiresIn).toBe(expected)
  })

  it('R-TOKEN-1 field T9: an absent expires_in is unknown', () => {
    expect(readTokenResponse(answer(TOKEN))).not.toHaveProperty('expiresIn')
  })

  it('R-TOKEN-1 the token type is case-insensitive, Bearer when missing, refused when unknown', () => {
    for (const type of ['bearer', 'BEARER', 'Bearer', undefined, '']) {
      expect(readTokenResponse(answer({ ...TOKEN, token_type: type })).tokenType).toBe('Bearer')
    }
    expect(failure(answer({ ...TOKEN, token_type: 'mac' })).code).toBe('token_response_invalid')
  })

  it('R-TOKEN-1 asking DPoP and getting Bearer is refused, and so is the reverse', () => {
    expect(readTokenResponse(answer({ ...TOKEN, token_type: 'dpop' }), { dpop: true }).tokenType).toBe('DPoP')
    expect(failure(answer(TOKEN), { dpop: true }).code).toBe('token_response_invalid')
    expect(failure(answer({ access_token: 'at' }), { dpop: true }).code).toBe('token_response_invalid')
    expect(failure(answer({ ...TOKEN, token_type: 'DPoP' })).code).toBe('token_response_invalid')
  })

  it.each([{}, { access_token: '' }, { access_token: 7 }, { token_type: 'Bearer' }, []])(
    'R-TOKEN-1 200 without a usable access token is invalid: %j',
    body => {
      expect(failure(answer(body)).code).toBe('token_response_invalid')
    },
  )

  it('a token that no header can carry is refused here, and not quoted', () => {
    for (const token of ['canary\r\nX: y', 'canary\u0000', 'canary é', 'canary token']) {
      const error = failure(answer({ access_token: token }))
      expect(error.code).toBe('token_response_invalid')
      expect(JSON.stringify([error.message, error.detail])).not.toContain('canary')
    }
  })
})

describe('a refusal', () => {
  it.each([
    ['400', answer({ error: 'invalid_grant', error_description: 'expired' }, { status: 400 })],
    ['401', answer({ error: 'invalid_grant', error_description: 'expired' }, { status: 401 })],
    ['a 200 (field T2, GitHub)', answer({ error: 'invalid_grant', error_description: 'expired' })],
    ['a 200 as a form', answer('error=invalid_grant&error_description=expired', { type: FORM_TYPE })],
    ['a 200 that also has a token', answer({ ...TOKEN, error: 'invalid_grant', error_description: 'expired' })],
    [
      '400 as text/html',
      answer({ error: 'invalid_grant', error_description: 'expired' }, { status: 400, type: 'text/html' }),
    ],
  ])('R-TOKEN-1 an OAuth error with %s is token_refused with its code', (_, given) => {
    const error = failure(given)
    expect(error.code).toBe('token_refused')
    expect(error.detail).toMatchObject({ oauthError: 'invalid_grant', oauthErrorDescription: 'expired' })
    expect(error.retryable).toBe(false)
  })

  it('field T2: the errors of Slack in a 200 are errors', () => {
    expect(failure(answer({ ok: false, error: 'invalid_code' })).detail.oauthError).toBe('invalid_code')
    expect(failure(answer({ ok: false })).code).toBe('token_response_invalid')
  })

  it('field R11: the error code decides, not the status', () => {
    for (const status of [200, 400, 401, 403, 404]) {
      expect(failure(answer({ error: 'invalid_client' }, { status })).detail.oauthError).toBe('invalid_client')
    }
  })

  it('R-TOKEN-1 a null or empty error is absent', () => {
    expect(readTokenResponse(answer({ ...TOKEN, error: null })).accessToken).toBe('at')
    expect(readTokenResponse(answer({ ...TOKEN, error: '' })).accessToken).toBe('at')
  })
})

describe('no answer for now', () => {
  it.each([
    ['500', answer('oops', { status: 500, type: 'text/plain' })],
    ['502 HTML', answer('<html>', { status: 502, type: 'text/html' })],
    ['503 with an OAuth error', answer({ error: 'invalid_grant' }, { status: 503 })],
    ['429', answer({}, { status: 429 })],
    ['200 HTML, a captive portal', answer('<!doctype html>', { type: 'text/html' })],
    ['200 HTML that claims JSON', answer('\n<html>')],
    ['403 HTML, a firewall', answer('<html>', { status: 403, type: 'text/html' })],
    ['404 text', answer('Not Found', { status: 404, type: 'text/plain' })],
    ['400 with an empty body', answer('', { status: 400 })],
    ['400 with an error object', answer({ error: { code: 400, message: 'gateway' } }, { status: 400 })],
    ['400 temporarily_unavailable', answer({ error: 'temporarily_unavailable' }, { status: 400 })],
  ])('R-TOKEN-1 field T12: %s is retryable and says nothing about the grant', (_, given) => {
    const error = failure(given)
    expect(error.code).toBe('token_unavailable')
    expect(error.retryable).toBe(true)
    expect(error.detail).not.toHaveProperty('oauthError')
  })

  it('R-TOKEN-1 a 200 that is neither JSON nor form nor HTML is invalid', () => {
    expect(failure(answer('OK', { type: 'text/plain' })).code).toBe('token_response_invalid')
  })

  it.each([
    ['120', {}, 120_000],
    ['0', {}, 0],
    ['Thu, 01 Jan 1970 00:01:00 GMT', {}, 30_000],
    ['Thu, 01 Jan 1970 00:00:10 GMT', {}, 0],
    ['99999999', {}, 86_400_000],
    ['later', {}, undefined],
    ['', {}, undefined],
  ])('R-TOKEN-1 Retry-After %j, in seconds or as a date, is kept', (value, _, expected) => {
    const given = answer('', { status: 429, headers: { 'retry-after': value } })
    expect(failure(given, { now: 30_000 }).detail.retryAfterMs).toBe(expected)
  })

  it('a Retry-After date counts from the server clock when it sends its Date', () => {
    const headers = { 'retry-after': 'Tue, 01 Jan 2030 00:00:30 GMT', date: 'Tue, 01 Jan 2030 00:00:00 GMT' }
    expect(failure(answer('', { status: 503, headers })).detail.retryAfterMs).toBe(30_000)
  })
})

it('errors name the endpoint without its query and never quote the body', () => {
  const body = { refresh_token: 'canary-rt', access_token: 'canary at' }
  for (const given of [answer(body), answer(body, { status: 400 }), answer(body, { status: 500 })]) {
    const error = failure(given)
    expect(JSON.stringify([error.message, error.detail])).not.toMatch(/canary|secret/u)
    expect(error.detail.url).toBe('https://auth.example.com/token?…')
  }
})

it('property: any answer is a token response or an OAuthError of the three codes', () => {
  const codes = ['token_refused', 'token_unavailable', 'token_response_invalid']
  const member = fc.oneof(fc.jsonValue(), fc.constantFrom('Bearer', 'invalid_grant', 'at', null, 0))
  const object = fc.record(
    {
      access_token: member,
      token_type: member,
      expires_in: member,
      refresh_token: member,
      scope: member,
      error: member,
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(
      fc.oneof(
        object.map(value => JSON.stringify(value)),
        fc.string({ unit: 'binary' }),
        fc.json(),
      ),
      fc.constantFrom(200, 201, 204, 302, 400, 401, 403, 429, 500),
      fc.constantFrom(JSON_TYPE, FORM_TYPE, 'text/html', null),
      (body, status, type) => {
        try {
          const token = readTokenResponse(answer(body, { status, type }))
          expect(token.accessToken).toMatch(/^[\x21-\x7e]+$/u)
          expect(status).toBeLessThan(300)
        } catch (error) {
          if (!(error instanceof OAuthError)) throw error
          expect(codes).toContain(error.code)
        }
      },
    ),
    { numRuns: 300 },
  )
})

describe('what is wrong', () => {
  it('is nothing for a success, whatever it holds: who asked judges that', () => {
    for (const body of [TOKEN, {}, { access_token: 5 }, 'neither JSON nor a form', '']) {
      expect(readTokenError(answer(body))).toBeUndefined()
    }
  })

  it('names the step and the endpoint as told', () => {
    const options = { step: 'device authorization', endpoint: 'device authorization endpoint' }
    const error = readTokenError(answer({ error: 'invalid_scope' }, { status: 400 }), options)
    expect(error?.message).toBe(
      'The device authorization endpoint https://auth.example.com/token?… refused: invalid_scope',
    )
    expect(error?.detail.step).toBe('device authorization')
  })

  it('R-TOKEN-1 property: no answer brings a secret that was sent into an error, in no member and no encoding', () => {
    const secret = 'canary secret/+ü'
    const encoded = [secret, encodeURIComponent(secret), String(new URLSearchParams([['', secret]])).slice(1)]
    const text = fc.tuple(fc.string({ maxLength: 5 }), fc.constantFrom(...encoded)).map(parts => parts.join(''))
    const member = fc.oneof(
      text,
      text.map(message => ({ message })),
    )
    const names = fc.constantFrom('error', 'error_description', 'token_type', 'access_token')
    const status = fc.constantFrom(200, 400, 401, 403, 404, 500)
    fc.assert(
      fc.property(fc.dictionary(names, member), status, fc.boolean(), (body, code, carried) => {
        const given = answer(body, { status: code, type: 'text/canary' })
        try {
          if (carried) readTokenResponse({ ...given, secrets: [secret, 'text/canary'] })
          else readTokenResponse(given, { secrets: [secret, 'text/canary'] })
        } catch (error) {
          const { message, detail } = error as OAuthError
          expect(message + JSON.stringify(detail)).not.toContain('canary')
        }
      }),
    )
  })
})
