import { OAuthError, type OAuthErrorDetail } from './errors.ts'

interface Kind {
  readonly pattern: RegExp
  readonly problem: string
  readonly hint: string
}

/** By the code of the error beneath `fetch`'s own (field D17: a VPN that is off is no OAuth failure). */
const KINDS: readonly Kind[] = [
  {
    pattern: /^(ENOTFOUND|EAI_[A-Z]+|EDNS.*|ENODATA|ESERVFAIL)$/u,
    problem: 'the host name cannot be resolved (dns)',
    hint: 'Check the host name, the network connection and the VPN.',
  },
  {
    pattern: /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|EPROTO$|HOSTNAME_MISMATCH$|INVALID_CA$)/u,
    problem: 'the secure connection failed (tls)',
    hint: 'The certificate is not trusted here: on a network that inspects TLS, add its CA (NODE_EXTRA_CA_CERTS).',
  },
  {
    pattern:
      /^(ECONN|EHOST|ENET|EPIPE$|ETIMEDOUT$|EADDRNOTAVAIL$|UND_ERR_(CONNECT|SOCKET|HEADERS_TIMEOUT|BODY_TIMEOUT))/u,
    problem: 'the connection failed (connect)',
    hint: 'Check that the server is up, and that proxy, firewall and VPN let this through.',
  },
]

/** The first error code in a chain of causes, `AggregateError`s included. Bounded, since a chain may be a ring. */
function errorCode(error: unknown, depth = 0): string | undefined {
  if (typeof error !== 'object' || error === null || depth > 5) return undefined
  if ('code' in error && typeof error.code === 'string' && /^[A-Z0-9_]{3,60}$/u.test(error.code)) return error.code
  const nested = 'errors' in error && Array.isArray(error.errors) ? error.errors.slice(0, 5) : []
  for (const inner of ['cause' in error ? error.cause : undefined, ...nested]) {
    const code = errorCode(inner, depth + 1)
    if (code !== undefined) return code
  }
  return undefined
}

/**
 * A failed `fetch` told apart: dns, tls, connect, or unknown. Only the error's code is taken over; its message and stack
 * may quote a request and are dropped.
 */
export function toNetworkError(error: unknown, subject: string, detail: OAuthErrorDetail): OAuthError {
  const code = errorCode(error)
  const kind = code === undefined ? undefined : KINDS.find(({ pattern }) => pattern.test(code))
  const problem = kind?.problem ?? 'the network request failed'
  const hint = kind?.hint ?? 'Check the network. In a browser, the server may not allow this origin (CORS).'
  return new OAuthError('network', `${subject} failed: ${problem}${code === undefined ? '' : ` [${code}]`}.`, {
    ...detail,
    ...(code !== undefined && { received: code }),
    hint,
  })
}
