import type { Io } from './io.ts'

/** Whether the environment names a proxy for outgoing requests. */
export function hasProxy(env: Io['env']): boolean {
  return ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'].some(name => Boolean(env[name]))
}

/**
 * The `fetch` for every leg, discovery and tokens included: through the proxy that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`
 * name, if any. Certificates are Node's own affair (`NODE_EXTRA_CA_CERTS`).
 */
export async function createFetch(env: Io['env']): Promise<typeof globalThis.fetch> {
  if (!hasProxy(env)) return globalThis.fetch
  const { EnvHttpProxyAgent } = await import('undici')
  // Plain http goes to the proxy as an absolute request, as everywhere: many proxies refuse CONNECT to port 80.
  const dispatcher = new EnvHttpProxyAgent({ proxyTunnel: false })
  return (input, init) => globalThis.fetch(input, { ...init, dispatcher } as RequestInit)
}
