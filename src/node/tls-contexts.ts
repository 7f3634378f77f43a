import { readFileSync } from 'node:fs'
import { X509Certificate } from 'node:crypto'
import * as tls from 'node:tls'
import { OAuthError } from '../oauth/errors.ts'
import { displayText } from '../oauth/protocol/display-text.ts'
import { parseUrl } from '../oauth/protocol/url.ts'
import type { EnvironmentVariables } from './proxy-environment.ts'

/** What a server that wants it is shown of this client (mutual TLS). */
export interface ClientCertificate {
  /** PEM: the certificate, and those between it and its CA. */
  readonly cert: string
  /** PEM. */
  readonly key: string
  /** Opens an encrypted `key`. */
  readonly passphrase?: string
}

/** Options of {@link createTlsContexts}. */
export interface TlsOptions {
  /** CAs trusted besides Node's own and those of `NODE_EXTRA_CA_CERTS`: PEM texts, each with any number of certificates. */
  readonly ca?: string | readonly string[]
  /** By origin: `https://mcp.example.com`. Each is shown to its own origin only. */
  readonly clientCertificates?: Readonly<Record<string, ClientCertificate>>
  readonly env: EnvironmentVariables
}

/** How to make secure connections; undefined members mean Node's own way. */
export interface TlsContexts {
  /** For everybody without a context of its own, proxies included. Made by the first call, which takes a tenth of a second and more. */
  readonly common: (() => tls.SecureContext) | undefined
  readonly byOrigin: ReadonlyMap<string, tls.SecureContext>
  /** Whether an option asks for this, and not just the environment. */
  readonly demanded: boolean
}

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/gu

/**
 * Reads certificates once, so that connections need not. `SSL_CERT_FILE` adds to Node's own CAs, and is left alone when it cannot be read:
 * many environments set it as a matter of course.
 *
 * @throws {OAuthError} `configuration` for a certificate, key or origin that cannot be used
 */
export function createTlsContexts({ ca, clientCertificates = {}, env }: TlsOptions): TlsContexts {
  const given = ca === undefined ? [] : [ca].flat().flatMap(assertCertificates)
  const trusted = trustedBesides([...given, ...certificatesOfFile(env['SSL_CERT_FILE'])], env)
  const byOrigin = new Map<string, tls.SecureContext>()
  for (const [origin, { cert, key, passphrase }] of Object.entries(clientCertificates)) {
    byOrigin.set(
      assertOrigin(origin),
      createContext(`The client certificate for ${displayText(origin)}`, {
        ...(trusted && { ca: trusted }),
        cert,
        key,
        ...(passphrase !== undefined && { passphrase }),
      }),
    )
  }
  let common: tls.SecureContext | undefined
  return {
    common: trusted && (() => (common ??= createContext('A certificate of a CA', { ca: trusted }))),
    byOrigin,
    demanded: given.length > 0 || byOrigin.size > 0,
  }
}

function createContext(subject: string, options: tls.SecureContextOptions): tls.SecureContext {
  try {
    return tls.createSecureContext(options)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${displayText(error.code, 60)})` : ''
    throw unusable(`${subject} cannot be used${code}.`, 'PEM: a certificate and the private key that belongs to it')
  }
}

function assertCertificates(pem: string): readonly string[] {
  const certificates = pem.match(CERTIFICATES) ?? []
  if (certificates.length > 0 && certificates.every(isCertificate)) return certificates
  throw unusable('A CA given with `ca` cannot be read.', 'the text of certificates in PEM, not the path of a file')
}

/** Node passes over what it cannot read without a word. */
function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined
  } catch {
    return false
  }
}

function certificatesOfFile(path: string | undefined): readonly string[] {
  if (path === undefined || path === '') return []
  try {
    return readFileSync(path, 'utf8').match(CERTIFICATES) ?? []
  } catch {
    return []
  }
}

/**
 * Node's own CAs and those of `extra`, or undefined when Node trusts all of `extra` anyway: many machines name the same bundle in
 * `SSL_CERT_FILE` and `NODE_EXTRA_CA_CERTS`, or one with Node's own. Reading a certificate takes a thousand times longer than comparing it.
 */
function trustedBesides(extra: readonly string[], env: EnvironmentVariables): string[] | undefined {
  if (extra.length === 0) return undefined
  const own = defaultCertificates(env)
  const known = new Set(own.map(withoutSpace))
  const added = extra.filter(pem => !known.has(withoutSpace(pem))).filter(isCertificate)
  return added.length === 0 ? undefined : [...own, ...added]
}

const withoutSpace = (pem: string): string => pem.replace(/\s/gu, '')

/** What Node trusts without us: giving any CA replaces that. */
function defaultCertificates(env: EnvironmentVariables): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] }
  // Node 22.15 and later; before, there are only these two sources.
  if (getCACertificates !== undefined) return getCACertificates('default')
  return [...tls.rootCertificates, ...certificatesOfFile(env['NODE_EXTRA_CA_CERTS'])]
}

function assertOrigin(given: string): string {
  const url = parseUrl(given)
  if (url?.protocol === 'https:' && url.pathname === '/' && url.search === '' && url.username === '') return url.origin
  throw unusable(`${displayText(given)} is no origin for a client certificate.`, 'an origin such as https://host:8443')
}

function unusable(message: string, expected: string): OAuthError {
  return new OAuthError('configuration', message, { step: 'network', expected, hint: 'Correct the network options.' })
}
