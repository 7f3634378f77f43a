import { OAuthError } from '../errors.ts'
import { displayText, displayUrl } from './display-text.ts'
import { formOf } from './form.ts'
import type { HttpAnswer } from './http-answer.ts'
import { parseJsonObject, stringMember } from './json-object.ts'
import { redactSecrets } from './redaction.ts'
import { readTokenError } from './token.ts'

const STEP = 'token exchange'

export const TOKEN_EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const JWT_BEARER_GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
/** Identity Assertion JWT Authorization Grant (draft-ietf-oauth-identity-assertion-authz-grant). */
export const ID_JAG_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:id-jag'
export const ID_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:id_token'

/** What an identity provider is asked for when an identity is to be asserted elsewhere. */
export interface IdentityAssertionRequest {
  readonly subjectToken: string
  /** Default {@link ID_TOKEN_TYPE}. */
  readonly subjectTokenType?: string
  /** Issuer of the authorization server that the assertion is for. */
  readonly audience: string
  /** Identifier of the MCP server. */
  readonly resource?: string | undefined
  readonly scope?: string | undefined
}

/**
 * The form that asks an identity provider for an ID-JAG.
 *
 * @see RFC 8693 §2.1, the enterprise-managed authorization extension §4
 */
export function identityAssertionForm(input: IdentityAssertionRequest): URLSearchParams {
  return formOf({
    grant_type: TOKEN_EXCHANGE_GRANT,
    requested_token_type: ID_JAG_TOKEN_TYPE,
    audience: input.audience,
    resource: input.resource,
    scope: input.scope,
    subject_token: input.subjectToken,
    subject_token_type: input.subjectTokenType ?? ID_TOKEN_TYPE,
  })
}

/**
 * The ID-JAG in an identity provider's answer. What it says inside is for the authorization server that it is sent to.
 *
 * @throws {OAuthError} what a token response throws; `token_response_invalid` when `issued_token_type` or `token_type` says that it
 * is something else
 * @see RFC 8693 §2.2.1
 */
export function readIdentityAssertion(
  answer: HttpAnswer,
  options: { readonly secrets?: readonly (string | undefined)[] } = {},
): string {
  const failure = readTokenError(answer, { ...options, step: STEP })
  if (failure) throw failure
  const object = parseJsonObject(answer.body) ?? {}
  const assertion = stringMember(object, 'access_token')
  const issued = stringMember(object, 'issued_token_type')
  const type = stringMember(object, 'token_type')
  if (assertion === undefined || issued !== ID_JAG_TOKEN_TYPE || type?.toLowerCase() !== 'n_a') {
    const show = (text = 'none'): string => displayText(redactSecrets(text, options.secrets ?? []))
    throw new OAuthError('token_response_invalid', 'The identity provider gave no identity assertion.', {
      step: STEP,
      url: displayUrl(answer.url),
      status: answer.status,
      expected: `issued_token_type ${ID_JAG_TOKEN_TYPE} with token_type N_A`,
      received: `issued_token_type ${show(issued)} with token_type ${show(type)}`,
    })
  }
  return assertion
}

/**
 * The form that redeems an assertion somebody else issued.
 *
 * @see RFC 7523 §2.1, RFC 8707 §2
 */
export function jwtBearerForm(input: {
  readonly assertion: string
  readonly scope?: string | undefined
  readonly resource?: string | undefined
  readonly extra?: Readonly<Record<string, string>> | undefined
}): URLSearchParams {
  const { assertion, scope, resource } = input
  return formOf({ grant_type: JWT_BEARER_GRANT, assertion, scope, resource }, input.extra)
}

/**
 * The form of the client credentials grant.
 *
 * @see RFC 6749 §4.4.2, RFC 8707 §2
 */
export function clientCredentialsForm(input: {
  readonly scope?: string | undefined
  readonly resource?: string | undefined
  readonly extra?: Readonly<Record<string, string>> | undefined
}): URLSearchParams {
  return formOf({ grant_type: 'client_credentials', scope: input.scope, resource: input.resource }, input.extra)
}
