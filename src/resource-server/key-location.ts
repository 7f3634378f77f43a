import type { OAuthRequest } from '../oauth/oauth-request.ts'
import { displayText, displayUrl } from '../oauth/protocol/display-text.ts'
import { describeAnswer, isTransientStatus } from '../oauth/protocol/http-answer.ts'
import { parseJsonObject, stringMember } from '../oauth/protocol/json-object.ts'
import { serverMetadataUrls } from '../oauth/protocol/server-metadata.ts'
import { TokenError } from './token-error.ts'

const STEP = 'authorization server metadata'

/**
 * Where an issuer publishes its keys: `jwks_uri` of its metadata, RFC 8414 first, then OpenID Connect. The document must name exactly this
 * issuer, or else whoever serves it could vouch for tokens of others.
 *
 * Only `issuer` and `jwks_uri` are needed: an issuer of workload tokens has no endpoints at all.
 *
 * @throws {TokenError} `keys_unavailable`
 * @throws {OAuthError} what the request throws
 * @see RFC 8414 §3.3, OpenID Connect Discovery §4.3
 */
export async function findKeyLocation(issuer: string, request: OAuthRequest): Promise<string> {
  const seen: string[] = []
  let failure: TokenError | undefined
  for (const url of serverMetadataUrls(issuer)) {
    const answer = await request({ step: STEP, method: 'GET', url })
    const where = displayUrl(url)
    const detail = { step: STEP, url: where, status: answer.status }
    if (isTransientStatus(answer.status)) {
      const received = describeAnswer(answer)
      failure ??= new TokenError('keys_unavailable', `${where} cannot be read now (${received}).`, {
        ...detail,
        received,
      })
      continue
    }
    const document = answer.status === 200 ? parseJsonObject(answer.body) : undefined
    const named = document && stringMember(document, 'issuer')
    if (!document || named === undefined) {
      seen.push(`${where}: ${describeAnswer(answer)}`)
      continue
    }
    if (named !== issuer) {
      const message = `The metadata at ${where} is of another issuer.`
      const [expected, received] = [displayText(issuer), displayText(named)]
      const hint = 'Configure the issuer exactly as its metadata writes it, a slash at the end included.'
      failure ??= new TokenError('keys_unavailable', message, { ...detail, expected, received, hint })
      continue
    }
    const location = stringMember(document, 'jwks_uri')
    if (location !== undefined) return location
    seen.push(`${where}: no jwks_uri`)
  }
  if (failure) throw failure
  throw new TokenError('keys_unavailable', `The issuer ${displayText(issuer)} does not say where its keys are.`, {
    step: STEP,
    expected: 'a document with issuer and jwks_uri',
    received: displayText(seen.join('; '), 600),
    hint: 'Check the issuer, or give jwksUri.',
  })
}
