import type { SecureContext } from 'node:tls'
import type { Agent, Dispatcher, ProxyAgent } from 'undici'
import { OAuthError } from '../oauth/errors.ts'
import { type EnvironmentVariables, hasProxy, runtimeUsesProxies, proxyFor } from './proxy-environment.ts'
import { type ClientCertificate, createTlsContexts, type TlsContexts } from './tls-contexts.ts'

/** How requests leave this machine. */
export interface NetworkOptions {
  /** CAs trusted besides Node's own and those of `NODE_EXTRA_CA_CERTS`: PEM texts, not paths. */
  readonly ca?: string | readonly string[]
  /** Shown to servers that want one (mutual TLS), by origin: `https://mcp.example.com`. Never shown to another origin. */
  readonly clientCertificates?: Readonly<Record<string, ClientCertificate>>
  /** Names the proxies (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`) and `SSL_CERT_FILE`. Default `process.env`, as it is now. */
  readonly env?: EnvironmentVariables
  /** Loads undici 7. Default: the optional peer dependency. */
  readonly load?: () => Promise<unknown>
}

/** What is used of undici. */
interface Undici {
  readonly Agent: typeof Agent
  readonly ProxyAgent: typeof ProxyAgent
}

/**
 * Creates the `fetch` for every leg: discovery, tokens and MCP requests alike go through the proxies that the environment names, trust the
 * same CAs and show the same client certificates, through a proxy too. Loopback hosts never go through a proxy.
 *
 * Whatever Node cannot do alone is done by undici, an optional peer dependency that is loaded by the first request that needs it. Where
 * nothing is asked for, the global `fetch` is returned; so too where the runtime goes through proxies by itself. Each `fetch` keeps its own
 * connections, which keep no process alive: create one and share it.
 *
 * @throws {OAuthError} `configuration`, at once for certificates that cannot be used; from the `fetch` when undici is needed and not
 * installed, or the address of a proxy cannot be read
 */
export function createNetworkFetch(options: NetworkOptions = {}): typeof globalThis.fetch {
  const { env = { ...process.env }, load = () => import('undici') } = options
  const contexts = createTlsContexts({ ...options, env })
  const proxied = hasProxy(env) && !runtimeUsesProxies(env)
  if (!proxied && contexts.common === undefined && contexts.byOrigin.size === 0) return globalThis.fetch
  let dispatcher: Promise<Dispatcher | undefined> | undefined
  return async (input, init) => {
    const proxy = proxied ? proxyFor(input instanceof Request ? input.url : input, env) : undefined
    dispatcher ??= load()
      .then(module => createDispatcher(module as Undici, contexts, env))
      .catch(() => undefined)
    const ready = await dispatcher
    // Unknown to the types of `fetch`, and known to Node's.
    if (ready !== undefined) return globalThis.fetch(input, { dispatcher: ready, ...init } as RequestInit)
    // Not installed, or of another major version. What the environment says about certificates is no reason to fail; a proxy is, and so is an option.
    if (proxy !== undefined) throw undiciNeeded(`the proxy ${proxy.host}`)
    if (contexts.demanded) throw undiciNeeded('the options `ca` and `clientCertificates`')
    return globalThis.fetch(input, init)
  }
}

/**
 * Chooses by origin how a request leaves. Asked for every request on the wire, redirects that `fetch` follows by itself included: so a
 * client certificate stays with its origin. At most one agent for each proxy, certificate and protocol.
 */
function createDispatcher(
  { Agent, ProxyAgent }: Undici,
  { common, byOrigin }: TlsContexts,
  env: EnvironmentVariables,
): Dispatcher {
  const agents = new Map<string, Dispatcher>()

  function createAgent(proxy: URL | undefined, secureContext: SecureContext | undefined): Dispatcher {
    const requestTls = secureContext && { secureContext }
    if (proxy === undefined) return new Agent({ ...(requestTls && { connect: requestTls }) })
    return new ProxyAgent({
      uri: proxy.href,
      // Plain http goes to the proxy as an absolute request, as everywhere: many proxies refuse CONNECT to port 80.
      proxyTunnel: false,
      ...(proxy.username !== '' && { token: basicCredentials(proxy) }),
      ...(requestTls && { requestTls }),
      ...(common && proxy.protocol === 'https:' && { proxyTls: { secureContext: common() } }),
    })
  }

  function agentFor(origin: string): Dispatcher {
    const proxy = proxyFor(origin, env)
    const plain = origin.startsWith('http:')
    const own = byOrigin.get(origin)
    const key = `${proxy?.href ?? 'direct'} ${own ? origin : plain ? 'plain' : 'common'}`
    const agent = agents.get(key) ?? createAgent(proxy, own ?? (plain ? undefined : common?.()))
    agents.set(key, agent)
    return agent
  }

  return new Agent().compose(
    () => (options, handler) => agentFor(new URL(String(options.origin)).origin).dispatch(options, handler),
  )
}

/** Also for a user without a password, as proxies that take a token expect it. */
function basicCredentials({ username, password }: URL): string {
  return `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function undiciNeeded(what: string): OAuthError {
  return new OAuthError(
    'configuration',
    `The package undici is needed for ${what}, and version 7 of it is not installed.`,
    {
      step: 'network',
      expected: 'undici 7',
      hint: 'Install it: npm install undici@7. Or give a `fetch` of your own; for proxies alone, NODE_USE_ENV_PROXY=1 with Node 22.21 or 24.5.',
    },
  )
}
