import { displayText } from './display-text.ts'
import { type DocumentAnswer, describeAnswer } from './http-answer.ts'
import { parseJsonObject, stringMember } from './json-object.ts'
import { redactSecrets } from './redaction.ts'

/**
 * The form that revokes a token. Client authentication is added by `applyClientAuthentication`.
 *
 * @see RFC 7009 §2.1
 */
export function revocationForm(token: string, hint: 'refresh_token' | 'access_token'): URLSearchParams {
  return new URLSearchParams({ token, token_type_hint: hint })
}

/**
 * Whether a revocation was accepted, and if not why, fit to be shown. An unknown token counts as revoked. `secrets` are what was sent
 * and must not be shown, though the server repeats it.
 *
 * @see RFC 7009 §2.2
 */
export function readRevocationResponse(
  answer: DocumentAnswer,
  secrets: readonly (string | undefined)[] = [],
): { readonly ok: boolean; readonly error?: string } {
  const object = parseJsonObject(answer.body)
  const code = object === undefined ? undefined : stringMember(object, 'error')
  // invalid_token is no error of RFC 7009, but what some servers say of a token that is already gone.
  if (code === 'invalid_token') return { ok: true }
  if (answer.status >= 200 && answer.status < 300 && code === undefined) return { ok: true }
  const description = object === undefined ? undefined : stringMember(object, 'error_description')
  const said = [code, description].filter(text => text !== undefined).join(': ')
  return { ok: false, error: displayText(said === '' ? describeAnswer(answer) : redactSecrets(said, secrets)) }
}
