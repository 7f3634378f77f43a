import { networkFailure } from '../network/network-failure.ts'
import { OAuthError, type OAuthErrorDetail } from './errors.ts'

/**
 * A failed `fetch` told apart: dns, connect, proxy, tls, or unknown. Only the error's code is taken over, and the issuer of a certificate
 * that is for another host; its message and stack may quote a request and are dropped.
 */
export function toNetworkError(error: unknown, subject: string, detail: OAuthErrorDetail): OAuthError {
  // A `fetch` may know better what is wrong, such as a proxy whose address cannot be read.
  if (error instanceof OAuthError) return error
  const { kind, code, words, hint } = networkFailure(error)
  const problem = `${words}${kind === undefined ? '' : ` (${kind})`}${code === undefined ? '' : ` [${code}]`}`
  return new OAuthError('network', `${subject} failed: ${problem}.`, {
    ...detail,
    ...(code !== undefined && { received: code }),
    hint,
  })
}
