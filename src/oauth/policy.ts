import { OAuthError } from './errors.ts'
import type { IssuerException } from './issuer-exceptions.ts'
import { matchesIssuerOrigin } from './issuer-pattern.ts'
import { displayUrl } from './protocol/display-text.ts'
import { type AddressScope, addressScope } from './protocol/host-address.ts'
import { isSecureUrl, parseUrl } from './protocol/url.ts'

/** The addresses of a host name. May reject when there are none; the request then fails by itself and says why. */
export type ResolveHost = (host: string) => Promise<readonly string[]>

/** What a policy is made for. */
export interface PolicyOptions {
  /** The MCP server's URL, the one party that the user chose. */
  readonly server: string
  /** Exceptions given by the user; only their `allowPrivateAddress` matters here, at the origins of their issuers. */
  readonly exceptions?: readonly IssuerException[]
  /** Resolves names for the private-address guard. Without it only literal addresses are judged. */
  readonly resolveHost?: ResolveHost | undefined
  /** Default 30 000. */
  readonly timeoutMs?: number
  /** Default 1 MiB. */
  readonly maxBytes?: number
}

/** What every request of the authorization layer must keep to. */
export interface Policy {
  /**
   * Judges a URL that a server named, before anything is sent there. It must be https, or http on a loopback host.
   *
   * A public MCP server could otherwise make the client call services inside its user's network: so when the MCP server is
   * public, hosts that are, or resolve to, loopback, private, link-local, multicast or reserved addresses are refused. The
   * MCP server's own origin is exempt, as is an issuer with an `allowPrivateAddress` exception. A name may resolve anew
   * between this check and the connection (DNS rebinding); TLS then still demands a certificate for the name.
   *
   * @returns the parsed URL
   * @throws {OAuthError} `url_refused`
   */
  assertUrl(url: string | URL, step: string): Promise<URL>
  /** For headers and body together. */
  readonly timeoutMs: number
  /** Longest body that is read. */
  readonly maxBytes: number
  /** Most redirects that a GET follows, all on one origin. */
  readonly maxRedirects: number
}

function refused(url: string | URL, step: string, problem: string, expected: string, hint?: string): OAuthError {
  const shown = displayUrl(url)
  return new OAuthError('url_refused', `The URL ${shown} (${step}) is refused: ${problem}.`, {
    step,
    url: shown,
    expected,
    received: shown,
    ...(hint !== undefined && { hint }),
  })
}

/** What to do about a server that speaks http only (field P7): the rule has no exception. */
export const PLAIN_HTTP_HINT =
  'Tokens are never sent in the clear. Serve it over https, where a certificate of your own CA will do (NODE_EXTRA_CA_CERTS), or forward a port of this machine to it.'

const isInternal = (scope: AddressScope): boolean => scope !== 'public' && scope !== 'name'

/** Creates the policy of one session. */
export function createPolicy(options: PolicyOptions): Policy {
  const server = parseUrl(options.server)
  const exempt = (options.exceptions ?? []).filter(({ allowPrivateAddress }) => allowPrivateAddress === true)
  const isExempt = ({ origin }: URL): boolean => exempt.some(({ issuer }) => matchesIssuerOrigin(issuer, origin))

  async function scopesOf(host: string): Promise<readonly AddressScope[]> {
    const literal = addressScope(host)
    if (literal !== 'name' || options.resolveHost === undefined) return [literal]
    try {
      const addresses = await options.resolveHost(host)
      return addresses.map(addressScope)
    } catch {
      // Behind a proxy a name may be unknown here; without one the request itself reports the failure.
      return [literal]
    }
  }

  let serverIsInternal: Promise<boolean> | undefined
  async function resolvesInside(): Promise<boolean> {
    serverIsInternal ??= scopesOf(server?.hostname ?? '').then(scopes => scopes.length > 0 && scopes.every(isInternal))
    return await serverIsInternal
  }

  async function assertReachable(url: URL, step: string): Promise<void> {
    if (server === undefined || url.origin === server.origin || isExempt(url)) return
    if (isInternal(addressScope(server.hostname))) return
    const inside = (await scopesOf(url.hostname)).some(isInternal)
    // A name proves little: a hostile server may point its own at 127.0.0.1, so plain http needs a literal address.
    if (!inside || (url.protocol === 'https:' && (await resolvesInside()))) return
    throw refused(
      url,
      step,
      'it leads into a private network or to this machine, but the MCP server is public',
      'a public host',
      'If this issuer is yours, add an exception with allowPrivateAddress for it.',
    )
  }

  return {
    timeoutMs: options.timeoutMs ?? 30_000,
    maxBytes: options.maxBytes ?? 1_048_576,
    maxRedirects: 3,
    async assertUrl(url, step) {
      const parsed = parseUrl(String(url))
      const expected = 'an https URL, or http on a loopback host'
      if (parsed === undefined) throw refused(url, step, 'it is not an absolute URL', expected)
      if (!isSecureUrl(parsed))
        throw refused(url, step, 'it is neither https nor loopback http', expected, PLAIN_HTTP_HINT)
      if (parsed.username !== '' || parsed.password !== '') {
        throw refused(url, step, 'it carries a user name or password', expected)
      }
      await assertReachable(parsed, step)
      return parsed
    },
  }
}
