import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A host's web application: pages with one script each, under a strict content security policy. */
export interface PageServer extends AsyncDisposable {
  /** `localhost`, so that it is another site than the servers on 127.0.0.1, not only another origin. */
  readonly origin: string
  /** Sent with every page from now on. */
  readonly headers: Record<string, string>
}

const TITLES: Readonly<Record<string, string>> = { '/callback': 'callback' }

/** Serves `scripts`; `connectTo` are the origins that its pages may send requests to. */
export async function startPageServer(
  scripts: ReadonlyMap<string, string>,
  connectTo: readonly string[],
): Promise<PageServer> {
  const headers: Record<string, string> = {}
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    `connect-src ${connectTo.join(' ')}`,
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const script = scripts.get(pathname)
    if (script !== undefined) {
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(script)
      return
    }
    if (pathname === '/favicon.ico') {
      response.writeHead(404).end()
      return
    }
    const name = TITLES[pathname] ?? 'app'
    response.writeHead(200, { 'content-type': 'text/html', 'content-security-policy': policy, ...headers })
    response.end(`<!doctype html><title>${name}</title><body><script type="module" src="/${name}.js"></script>`)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    headers,
    [Symbol.asyncDispose]: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
