import { displayText } from '../oauth/protocol/display-text.ts'

/** What is wrong with a secure connection, in words, and what to do. */
export interface TlsProblem {
  readonly words: string
  readonly hint: string
  /** The handshake was not completed, so that no request can have been handled. */
  readonly nothingSent: boolean
}

const UNTRUSTED =
  'On a network that inspects TLS, or with a CA of your own: add that CA, for Node with NODE_EXTRA_CA_CERTS=/path/to/ca.pem.'
const CLIENT_CERTIFICATE = 'Give a client certificate for this origin (clientCertificates), one that its CA has issued.'

interface Kind {
  readonly pattern: RegExp
  readonly words: string
  readonly hint: string
}

const KINDS: readonly Kind[] = [
  { pattern: /^DEPTH_ZERO_SELF_SIGNED_CERT$/u, words: 'its certificate is self-signed', hint: UNTRUSTED },
  {
    pattern: /^SELF_SIGNED_CERT_IN_CHAIN$/u,
    words: 'its certificate chain holds a self-signed certificate that is not trusted here',
    hint: UNTRUSTED,
  },
  {
    pattern: /^(?:UNABLE_TO_(?:VERIFY|GET_ISSUER)|CERT_UNTRUSTED$|INVALID_CA$)/u,
    words: 'its certificate cannot be verified: its issuer is not known here, or the server leaves out a certificate',
    hint: UNTRUSTED,
  },
  {
    pattern: /^CERT_HAS_EXPIRED$/u,
    words: 'its certificate has expired',
    hint: 'The server must renew its certificate. Check the clock of this machine, too.',
  },
  {
    pattern: /^CERT_NOT_YET_VALID$/u,
    words: 'its certificate is not valid yet',
    hint: 'Check the clock of this machine.',
  },
  {
    pattern: /^(?:ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/u,
    words: 'its certificate is for another host',
    hint: 'Use the name that the certificate is for; a portal or proxy in between may answer in its place.',
  },
  {
    pattern: /^UND_ERR_PRX_TLS$/u,
    words: "the proxy's certificate is for another host",
    hint: 'Check the address of the proxy (HTTPS_PROXY).',
  },
  {
    pattern:
      /CERTIFICATE_REQUIRED|ALERT_(?:BAD|UNSUPPORTED|UNKNOWN)_CERTIFICATE|CERTIFICATE_(?:UNKNOWN|REVOKED|EXPIRED)/u,
    words: 'it wants a client certificate (mTLS), or another one',
    hint: CLIENT_CERTIFICATE,
  },
  {
    pattern: /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/u,
    words: 'it does not speak TLS there',
    hint: 'Check port and scheme: https may be spoken at another port, or by nobody.',
  },
  {
    pattern: /HANDSHAKE_FAILURE|ALERT_UNKNOWN_CA/u,
    words: 'the handshake failed',
    hint: `No algorithm in common, or a client certificate is wanted (mTLS). ${CLIENT_CERTIFICATE}`,
  },
]

const ANY_TLS = /^(?:CERT_|ERR_TLS_|ERR_SSL_|EPROTO$|CRL_|UNABLE_TO_|PATH_LENGTH_EXCEEDED$|INVALID_PURPOSE$)/u

/** What the code of an error says about TLS; undefined when it is not about TLS. */
export function tlsProblem(code: string): TlsProblem | undefined {
  const kind = KINDS.find(({ pattern }) => pattern.test(code))
  if (kind !== undefined) return { words: kind.words, hint: kind.hint, nothingSent: true }
  if (!ANY_TLS.test(code)) return undefined
  // Some of these end a connection that has long been in use.
  return { words: 'the secure connection failed', hint: UNTRUSTED, nothingSent: !/^(?:ERR_SSL_|EPROTO)/u.test(code) }
}

/** Who issued the certificate, where the runtime hands it over with the error (Node does for that of another host). */
export function certificateIssuer(error: object): string | undefined {
  const issuer = member(member(error, 'cert'), 'issuer')
  const names = ['CN', 'O', 'OU'].map(name => member(issuer, name)).filter(name => typeof name === 'string')
  const name = displayText(names[0] ?? '', 100)
  return name === '' ? undefined : name
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}
