import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OAuthError } from '../../../src/oauth/errors.ts'
import type { HttpAnswer } from '../../../src/oauth/protocol/http-answer.ts'
import {
  clientCredentialsForm,
  ID_JAG_TOKEN_TYPE,
  identityAssertionForm,
  jwtBearerForm,
  readIdentityAssertion,
} from '../../../src/oauth/protocol/token-exchange.ts'

const RESOURCE = 'https://mcp.example.com/mcp'
const SUBJECT = 'subject-token-canary'

function answer(body: unknown, status = 200): HttpAnswer {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const url = 'https://idp.example.com/token?key=secret'
  return { status, headers: new Headers(), contentType: 'application/json', body: text, url }
}

function failure(body: unknown, status?: number): OAuthError {
  try {
    readIdentityAssertion(answer(body, status), { secrets: [SUBJECT] })
  } catch (error) {
    if (error instanceof OAuthError) return error
    throw error
  }
  throw new Error('was accepted')
}

describe('forms', () => {
  it('R-IDJAG-1 an identity provider is asked for an ID-JAG for the issuer and the resource (RFC 8693 §2.1)', () => {
    const form = identityAssertionForm({
      subjectToken: SUBJECT,
      audience: 'https://as.example.com',
      resource: RESOURCE,
      scope: 'a b',
    })
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
      audience: 'https://as.example.com',
      resource: RESOURCE,
      scope: 'a b',
      subject_token: SUBJECT,
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    })
  })

  it('R-IDJAG-1 the identity may be another kind of token', () => {
    const subjectTokenType = 'urn:ietf:params:oauth:token-type:saml2'
    const form = identityAssertionForm({ subjectToken: SUBJECT, subjectTokenType, audience: 'a' })
    expect(form.get('subject_token_type')).toBe(subjectTokenType)
    expect(form.has('scope') || form.has('resource')).toBe(false)
  })

  it('R-IDJAG-1 R-WIF-1 an assertion is redeemed with scope and resource (RFC 7523 §2.1)', () => {
    const extra = { audience: 'x', assertion: 'theirs', grant_type: 'theirs' }
    expect(Object.fromEntries(jwtBearerForm({ assertion: 'a.b.c', scope: 's', resource: RESOURCE, extra }))).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: 'a.b.c',
      scope: 's',
      resource: RESOURCE,
      audience: 'x',
    })
  })

  it('R-CC-2 client credentials: grant type, a scope only if there is one, and the resource', () => {
    expect(Object.fromEntries(clientCredentialsForm({ resource: RESOURCE }))).toEqual({
      grant_type: 'client_credentials',
      resource: RESOURCE,
    })
    expect(clientCredentialsForm({ scope: 's' }).toString()).toBe('grant_type=client_credentials&scope=s')
  })

  it('R-CC-2 R-WIF-1 what is left out comes from nowhere else', () => {
    const extra = { scope: 'theirs', resource: 'theirs', audience: 'x' }
    expect(Object.fromEntries(clientCredentialsForm({ extra }))).toEqual({
      grant_type: 'client_credentials',
      audience: 'x',
    })
    expect([...jwtBearerForm({ assertion: 'a', extra }).keys()].sort()).toEqual(['assertion', 'audience', 'grant_type'])
  })
})

const SUCCESS = { access_token: 'id-jag', issued_token_type: ID_JAG_TOKEN_TYPE, token_type: 'N_A', expires_in: 300 }

describe('an identity assertion', () => {
  it('R-IDJAG-1 is what the answer says it is', () => {
    expect(readIdentityAssertion(answer(SUCCESS))).toBe('id-jag')
    expect(readIdentityAssertion(answer({ ...SUCCESS, token_type: 'n_a' }))).toBe('id-jag')
  })

  it.each([
    { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' },
    { issued_token_type: undefined },
    { issued_token_type: `${ID_JAG_TOKEN_TYPE} ` },
    { issued_token_type: [ID_JAG_TOKEN_TYPE] },
    { token_type: 'Bearer' },
    { token_type: undefined },
    { token_type: null },
    { access_token: undefined },
    { access_token: '' },
  ])('R-IDJAG-1 %j is none', members => {
    const error = failure({ ...SUCCESS, ...members })
    expect(error).toMatchObject({ code: 'token_response_invalid', detail: { step: 'token exchange' } })
    expect(error.message + JSON.stringify(error.detail)).not.toContain('id-jag"')
  })

  it('R-IDJAG-1 a refusal of the identity provider keeps its code', () => {
    const error = failure({ error: 'invalid_grant', error_description: `bad ${SUBJECT}` }, 400)
    expect(error).toMatchObject({
      code: 'token_refused',
      detail: { oauthError: 'invalid_grant', step: 'token exchange' },
    })
    expect(failure('away', 503)).toMatchObject({ code: 'token_unavailable', retryable: true })
  })

  it.each([
    [{ error: 'invalid_grant', error_description: `bad ${SUBJECT}` }, 400],
    [{ error: SUBJECT }, 200],
    [{ ...SUCCESS, issued_token_type: SUBJECT }, 200],
    [{ ...SUCCESS, token_type: SUBJECT }, 200],
    [{ error: { message: SUBJECT } }, 403],
  ])('R-IDJAG-1 the identity is not repeated: %j', (body, status) => {
    const { message, detail } = failure(body, status)
    expect(message + JSON.stringify(detail)).not.toContain('canary')
  })

  it('property: whatever is answered, the error is ours', () => {
    const member = fc.oneof(fc.constantFrom(...Object.values(SUCCESS)), fc.jsonValue({ maxDepth: 2 }))
    const names = fc.constantFrom(...Object.keys(SUCCESS), 'error', 'error_description')
    const body = fc.oneof(fc.string(), fc.json(), fc.dictionary(names, member))
    fc.assert(
      fc.property(body, fc.constantFrom(200, 400, 401, 404, 500), (generated, status) => {
        try {
          expect(readIdentityAssertion(answer(generated, status))).not.toBe('')
        } catch (error) {
          expect(error).toBeInstanceOf(OAuthError)
        }
      }),
    )
  })
})
