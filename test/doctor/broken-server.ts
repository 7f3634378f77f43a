import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'

/** A server of a few lines on a real socket. */
export interface BrokenServer extends AsyncDisposable {
  readonly port: number
}

/** Serves `listener` on every interface, over TLS where options for it are given. */
export async function serveBroken(listener: RequestListener, tls?: ServerOptions): Promise<BrokenServer> {
  const server: Server = tls ? createTlsServer(tls, listener) : createHttpServer(listener)
  await new Promise<void>(resolve => server.listen(0, '0.0.0.0', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** A port on which nobody listens any more. */
export async function closedPort(): Promise<number> {
  const server = await serveBroken(() => undefined)
  await server[Symbol.asyncDispose]()
  return server.port
}

/** Answers everything alike. */
export function always(status: number, headers: Readonly<Record<string, string>>, body = ''): RequestListener {
  return (_, response) => response.writeHead(status, headers).end(body)
}

/** Answers `at /mcp` in one way, and everything else with 404. */
export function endpointOnly(status: number, headers: Readonly<Record<string, string>> = {}): RequestListener {
  return (request, response) =>
    request.url === '/mcp' ? response.writeHead(status, headers).end() : response.writeHead(404).end('not found')
}
