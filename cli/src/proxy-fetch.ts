import type { CommandContext } from './command-context.ts'
import type { Io } from './io.ts'

/**
 * The `fetch` for every leg, discovery and tokens included: through the proxy that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` name, if any,
 * trusting `SSL_CERT_FILE` besides Node's own CAs and those of `NODE_EXTRA_CA_CERTS`.
 */
export async function createFetch(env: Io['env']): Promise<typeof globalThis.fetch> {
  const { createNetworkFetch } = await import('latchkey/node')
  return createNetworkFetch({ env })
}

/** With `--verbose`, says which proxy requests to `server` go through, without its password. @throws {OAuthError} `configuration` */
export async function sayProxy({ io, terminal, options }: CommandContext, server: string): Promise<void> {
  if (options.verbose !== true || !URL.canParse(server)) return
  const { proxyFor } = await import('latchkey/node')
  const proxy = proxyFor(server, io.env)
  if (proxy === undefined) return
  terminal.say(terminal.style.dim(`· requests to ${new URL(server).host} go through the proxy ${proxy.host}`))
}
