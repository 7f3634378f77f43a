import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OAuthError } from '../../../src/oauth/errors.ts'
import {
  DEVICE_CODE_GRANT,
  deviceAuthorizationForm,
  deviceCodeForm,
  readDeviceAuthorization,
} from '../../../src/oauth/protocol/device.ts'
import type { HttpAnswer } from '../../../src/oauth/protocol/http-answer.ts'

const ENDPOINT = 'https://as.example.com/device?key=secret'
const BODY = {
  device_code: 'device-code-canary',
  user_code: 'WDJB-MJHT',
  verification_uri: 'https://example.com/device',
}

function answer(body: unknown, given: Partial<HttpAnswer> = {}): HttpAnswer {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { status: 200, headers: new Headers(), contentType: 'application/json', body: text, url: ENDPOINT, ...given }
}

function failure(...args: Parameters<typeof answer>): OAuthError {
  try {
    readDeviceAuthorization(answer(...args))
  } catch (error) {
    if (error instanceof OAuthError) return error
    throw error
  }
  throw new Error('was accepted')
}

const textOf = ({ message, detail }: OAuthError) => message + JSON.stringify(detail)

describe('forms', () => {
  it('R-DEVICE-1 name the resource in both requests, and let nobody override ours', () => {
    const extra = { audience: 'x', grant_type: 'theirs', device_code: 'theirs' }
    const resource = 'https://mcp.example.com/mcp'
    expect(Object.fromEntries(deviceAuthorizationForm({ scope: 'a b', resource }))).toEqual({ scope: 'a b', resource })
    expect(Object.fromEntries(deviceCodeForm({ deviceCode: 'd', resource, extra }))).toEqual({
      grant_type: DEVICE_CODE_GRANT,
      device_code: 'd',
      resource,
      audience: 'x',
    })
  })

  it('what is left out comes from nowhere else', () => {
    const extra = { scope: 'theirs', resource: 'theirs', audience: 'x' }
    expect(deviceAuthorizationForm({ extra }).toString()).toBe('audience=x')
    expect(deviceCodeForm({ deviceCode: 'd', extra }).has('resource')).toBe(false)
  })
})

describe('a device authorization', () => {
  it('R-DEVICE-1 is read with the defaults of RFC 8628 §3.2', () => {
    expect(readDeviceAuthorization(answer(BODY))).toEqual({
      deviceCode: 'device-code-canary',
      userCode: 'WDJB-MJHT',
      verificationUri: 'https://example.com/device',
      expiresIn: 600,
      interval: 5,
    })
  })

  it('R-DEVICE-1 may name its address as verification_url, and carry numbers as text', () => {
    const { verification_uri, ...rest } = BODY
    const body = {
      ...rest,
      verification_url: verification_uri,
      verification_uri_complete: `${verification_uri}?user_code=WDJB-MJHT`,
      expires_in: '1800',
      interval: '7',
    }
    expect(readDeviceAuthorization(answer(body))).toMatchObject({
      verificationUri: verification_uri,
      verificationUriComplete: `${verification_uri}?user_code=WDJB-MJHT`,
      expiresIn: 1800,
      interval: 7,
    })
  })

  it.each([
    [{ interval: 0 }, { interval: 5 }],
    [{ interval: -1 }, { interval: 5 }],
    [{ interval: 0.001 }, { interval: 1 }],
    [{ interval: 86_400 }, { interval: 300 }],
    [{ interval: 'soon' }, { interval: 5 }],
    [{ expires_in: 0 }, { expiresIn: 600 }],
    [{ expires_in: null }, { expiresIn: 600 }],
    [{ expires_in: 1e300 }, { expiresIn: 86_400 }],
  ])('R-DEVICE-1 %j neither hammers nor waits for ever', (members, expected) => {
    expect(readDeviceAuthorization(answer({ ...BODY, ...members }))).toMatchObject(expected)
  })

  it.each(['device_code', 'user_code', 'verification_uri'])('R-DEVICE-1 cannot be used without %s', name => {
    for (const value of [undefined, null, '', 5]) {
      const error = failure({ ...BODY, [name]: value })
      expect(error.code).toBe('token_response_invalid')
      expect(textOf(error)).not.toContain('canary')
    }
  })

  it.each([
    'http://example.com/device',
    'javascript:alert(1)',
    'example.com/device',
    'https://login.example.com@evil.example/device',
    'data:text/html,device-code-canary',
  ])('R-DEVICE-1 nobody is sent to %s', uri => {
    for (const name of ['verification_uri', 'verification_uri_complete']) {
      const error = failure({ ...BODY, [name]: uri })
      expect(error.code).toBe('token_response_invalid')
      expect(textOf(error)).not.toContain('canary')
    }
  })

  it('R-DEVICE-1 what is shown holds nothing that a terminal obeys or a person cannot read', () => {
    const hostile = {
      ...BODY,
      user_code: 'AB\u001B[2J\u202ECD',
      verification_uri: 'https://example.com/\u001B[2J\u202Ex\n',
    }
    const { userCode, verificationUri } = readDeviceAuthorization(answer(hostile))
    expect(userCode).toBe('AB [2J CD')
    expect(verificationUri).toMatch(/^[!-~]+$/u)
    expect(new URL(verificationUri).host).toBe('example.com')
  })
})

describe('a failure', () => {
  it.each([429, 500, 503])('R-DEVICE-1 %i may pass', status => {
    const error = failure('busy', { status, headers: new Headers({ 'retry-after': '7' }) })
    expect(error).toMatchObject({ code: 'token_unavailable', retryable: true, detail: { retryAfterMs: 7000, status } })
    expect(error.message).toContain('device authorization endpoint https://as.example.com/device')
  })

  it('R-DEVICE-1 an OAuth error of "not now" may pass, too', () => {
    expect(failure({ error: 'temporarily_unavailable' }, { status: 400 }).retryable).toBe(true)
  })

  it('R-DEVICE-1 a refusal keeps its code and description', () => {
    const error = failure({ error: 'invalid_scope', error_description: 'no such scope' }, { status: 400 })
    expect(error).toMatchObject({
      code: 'token_refused',
      detail: { oauthError: 'invalid_scope', oauthErrorDescription: 'no such scope', step: 'device authorization' },
    })
  })

  it('R-DEVICE-1 an answer that is no success is none, whatever it holds', () => {
    expect(failure(BODY, { status: 400 }).code).toBe('token_unavailable')
  })

  it('repeats no secret that was sent', () => {
    const secrets = ['client-secret-canary']
    for (const body of [
      { error: 'invalid_client', error_description: 'client-secret-canary is wrong' },
      { error: 'client-secret-canary' },
      { error: { message: 'client-secret-canary' } },
      {},
    ]) {
      const error = failure(body, { status: 401, secrets, contentType: 'text/client-secret-canary' })
      expect(textOf(error)).not.toContain('canary')
    }
  })

  it('property: whatever is answered, the error is ours and the code stays out of it', () => {
    const member = fc.oneof(
      fc.constantFrom(...Object.values(BODY), 'https://device-code-canary/', 'device-code-canary'),
      fc.jsonValue({ maxDepth: 2 }),
    )
    const names = [...Object.keys(BODY), 'error', 'error_description', 'expires_in', 'interval']
    const body = fc.oneof(fc.string(), fc.json(), fc.dictionary(fc.constantFrom(...names), member))
    const status = fc.constantFrom(200, 201, 400, 401, 404, 429, 500)
    fc.assert(
      fc.property(body, status, (generated, code) => {
        try {
          const { expiresIn, interval } = readDeviceAuthorization(answer(generated, { status: code }))
          expect(Number.isSafeInteger(Math.ceil(expiresIn)) && interval >= 1 && interval <= 300).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(OAuthError)
        }
      }),
    )
  })
})
