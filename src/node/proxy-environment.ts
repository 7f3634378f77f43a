import { BlockList, isIP } from 'node:net'
import { OAuthError } from '../oauth/errors.ts'
import { isLoopbackHost } from '../oauth/protocol/host-address.ts'
import { parseUrl } from '../oauth/protocol/url.ts'

/** EnvironmentVariables variables by name. */
export type EnvironmentVariables = Readonly<Record<string, string | undefined>>

const SCHEMES: ReadonlySet<string> = new Set(['http:', 'https:', 'socks5:', 'socks:'])

/**
 * The proxy that requests to `url` go through: `HTTPS_PROXY` for https, `HTTP_PROXY` for http and, as in Node itself, for https where there
 * is no other; lower case wins. Undefined when there is none, or `NO_PROXY` names the host: names stand for themselves and all below them,
 * with a port for that port only; also addresses, ranges (`10.0.0.0/8`), and `*` for all.
 *
 * Loopback hosts are never reached through a proxy: they mean this machine, and what is sent there in the clear must not leave it.
 *
 * @throws {OAuthError} `configuration` when the proxy's address cannot be read
 */
export function proxyFor(url: string | URL, env: EnvironmentVariables): URL | undefined {
  const { protocol, hostname, port } = new URL(url)
  if (isLoopbackHost(hostname)) return undefined
  const names = protocol === 'https:' ? ['HTTPS_PROXY', 'HTTP_PROXY'] : ['HTTP_PROXY']
  const name = names.find(each => valueOf(each, env) !== undefined)
  const value = name === undefined ? undefined : valueOf(name, env)
  if (name === undefined || value === undefined) return undefined
  const host = hostname.replace(/^\[(.*)\]$/u, '$1').replace(/\.$/u, '')
  const portNumber = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
  if (isExcluded(host, portNumber, valueOf('NO_PROXY', env) ?? '')) return undefined
  return parseProxy(name, value)
}

/** Whether the environment names a proxy at all. */
export function hasProxy(env: EnvironmentVariables): boolean {
  return valueOf('HTTPS_PROXY', env) !== undefined || valueOf('HTTP_PROXY', env) !== undefined
}

/** The runtime, and how it was started. */
export interface Runtime {
  /** Options that it knows. Default `process.allowedNodeEnvironmentFlags`. */
  readonly flags?: ReadonlySet<string>
  /** Default `process.execArgv`. */
  readonly execArgv?: readonly string[]
  /** Default `process.versions`. */
  readonly versions?: Readonly<Record<string, string | undefined>>
}

/**
 * Whether the `fetch` of the runtime goes through the proxies of the environment by itself: Node when it is told to (`NODE_USE_ENV_PROXY=1`,
 * `--use-env-proxy`; from 22.21 and 24.5 on), Bun and Deno always.
 */
export function runtimeUsesProxies(env: EnvironmentVariables, runtime: Runtime = {}): boolean {
  const {
    flags = process.allowedNodeEnvironmentFlags,
    execArgv = process.execArgv,
    versions = process.versions,
  } = runtime
  if (versions['bun'] !== undefined || versions['deno'] !== undefined) return true
  if (!flags.has('--use-env-proxy')) return false
  const asked = [...execArgv, ...(env['NODE_OPTIONS'] ?? '').split(/\s+/u)]
  return env['NODE_USE_ENV_PROXY'] === '1' || asked.includes('--use-env-proxy')
}

function valueOf(name: string, env: EnvironmentVariables): string | undefined {
  const lower = env[name.toLowerCase()]?.trim()
  if (lower !== undefined) return lower === '' ? undefined : lower
  // In a CGI program this is a header of whoever calls it.
  if (name === 'HTTP_PROXY' && env['REQUEST_METHOD'] !== undefined) return undefined
  return env[name]?.trim() || undefined
}

function parseProxy(name: string, value: string): URL {
  // `proxy.example:3128` is what many write; a parser takes the host for a scheme.
  const proxy = parseUrl(/^[a-z][a-z\d+.-]*:\/\//iu.test(value) ? value : `http://${value}`)
  if (proxy !== undefined && SCHEMES.has(proxy.protocol) && proxy.hostname !== '') return proxy
  // The value may hold a password, so that it is not shown.
  throw new OAuthError('configuration', `The environment variable ${name} is no address of a proxy.`, {
    step: 'network',
    expected: 'http://host:port, with user:password@ before the host where the proxy wants them',
    hint: `Correct or unset ${name} (${name.toLowerCase()} wins over it).`,
  })
}

function isExcluded(host: string, port: number, noProxy: string): boolean {
  return noProxy.split(/[\s,]+/u).some(entry => entry !== '' && excludes(entry.toLowerCase(), host, port))
}

function excludes(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true
  if (isIP(entry) !== 0 || entry.includes('/')) return includesAddress(entry, host)
  const [, given = '', givenPort] = /^(.*?)(?::(\d+))?$/u.exec(entry) ?? []
  if (givenPort !== undefined && Number(givenPort) !== port) return false
  const name = given
    .replace(/^\[(.*)\]$/u, '$1')
    .replace(/^\*?\./u, '')
    .replace(/\.$/u, '')
  if (isIP(name) !== 0) return includesAddress(name, host)
  return name !== '' && (host === name || host.endsWith(`.${name}`))
}

/** Compares addresses, not their spellings: IPv6 has many. */
function includesAddress(entry: string, host: string): boolean {
  const family = isIP(host)
  const [network = '', bits] = entry.split('/')
  if (family === 0 || isIP(network) !== family) return false
  const kind = family === 6 ? 'ipv6' : 'ipv4'
  const list = new BlockList()
  const length = bits === undefined ? (family === 6 ? 128 : 32) : Number(bits)
  if (!Number.isInteger(length) || length < 0 || length > (family === 6 ? 128 : 32)) return false
  list.addSubnet(network, length, kind)
  return list.check(host, kind)
}
