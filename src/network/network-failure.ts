import { findCodedError } from './error-code.ts'
import { certificateIssuer, tlsProblem } from './tls-problem.ts'

/** Where a request failed before any answer came. */
export type NetworkFailureKind = 'dns' | 'connect' | 'proxy' | 'tls'

/** What made a request fail. Holds nothing of the request: messages of errors are never taken over. */
export interface NetworkFailure {
  /** Undefined when the runtime does not tell, as in browsers. */
  readonly kind?: NetworkFailureKind
  readonly code?: string
  /** In words that follow a colon: `the connection was refused`. */
  readonly words: string
  readonly hint: string
  /** True when it failed before the request was sent, so that it cannot have done anything. */
  readonly nothingSent: boolean
}

const DNS_WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the host name does not resolve',
  EAI_AGAIN: 'the host name could not be resolved now',
}
const CONNECT_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  UND_ERR_HEADERS_TIMEOUT: 'the server sent no answer',
  UND_ERR_SOCKET: 'the connection was closed',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
}
const DNS = /^(?:ENOTFOUND|EAI_[A-Z]+|EDNS.*|ENODATA|ESERVFAIL)$/u
const CONNECT = /^(?:ECONN|EHOST|ENET|EPIPE$|ETIMEDOUT$|EADDRNOTAVAIL$|UND_ERR_(?:CONNECT|SOCKET|HEADERS_T|BODY_T))/u
const CONNECT_BEFORE_SENDING = /^(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/u
const CONNECT_HINT = 'Check that the server is up, and that proxy, firewall and VPN let this through.'
/** With TLS 1.3 a client certificate is missed only after the handshake, and many clients see no more than the end (field P3). */
const CLOSED = /^(?:ECONNRESET|EPIPE|UND_ERR_SOCKET)$/u
const CLOSED_HINT = `${CONNECT_HINT} A server that wants a client certificate (mTLS) also closes without a word.`
/** How a proxy that opens no tunnel is reported: by a message, under a code that stands for much else. */
const REFUSED_BY_PROXY = /^Proxy response \((\d{3})\)|^(Proxy Authentication Required)/u

/**
 * Tells failures of a `fetch` apart by the code of the error beneath its own: dns, connect, proxy, tls, or unknown (field D17: a VPN that
 * is off is no OAuth failure).
 */
export function networkFailure(error: unknown): NetworkFailure {
  const found = findCodedError(error)
  if (found === undefined) {
    return {
      words: 'the network request failed',
      hint: 'Check the network. In a browser, the server may not allow this origin (CORS): it must, and must expose WWW-Authenticate.',
      nothingSent: false,
    }
  }
  const { code } = found
  if (DNS.test(code)) {
    return {
      kind: 'dns',
      code,
      words: DNS_WORDS[code] ?? 'the host name cannot be resolved',
      hint: 'Check the host name, the network connection and the VPN.',
      nothingSent: true,
    }
  }
  const proxy = proxyRefusal(found.error, code)
  if (proxy !== undefined) return proxy
  const tls = tlsProblem(code)
  if (tls !== undefined) {
    const issuer = certificateIssuer(found.error)
    const words = issuer === undefined ? tls.words : `${tls.words}, issued by "${issuer}"`
    return { kind: 'tls', code, words, hint: tls.hint, nothingSent: tls.nothingSent }
  }
  if (CONNECT.test(code)) {
    return {
      kind: 'connect',
      code,
      words: CONNECT_WORDS[code] ?? 'the connection failed',
      hint: CLOSED.test(code) ? CLOSED_HINT : CONNECT_HINT,
      nothingSent: CONNECT_BEFORE_SENDING.test(code),
    }
  }
  return { code, words: 'the connection failed', hint: 'Check the network.', nothingSent: false }
}

function proxyRefusal(error: object, code: string): NetworkFailure | undefined {
  const match = 'message' in error ? REFUSED_BY_PROXY.exec(String(error.message)) : null
  if (match === null) return undefined
  const status = match[1] ?? '407'
  return {
    kind: 'proxy',
    code,
    words: `the proxy opens no connection to it (HTTP ${status})`,
    hint:
      status === '407'
        ? 'The proxy wants a user name and password: HTTPS_PROXY=http://user:password@host:port.'
        : 'Ask who runs the proxy to let this host through, or name it in NO_PROXY if it can be reached directly.',
    nothingSent: true,
  }
}
