import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect as connectTo, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** A proxy on a real socket: forwards absolute requests, tunnels CONNECT. */
export interface TestProxy extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** `CONNECT host:port`, `POST http://host/path`: what it was asked for. */
  readonly seen: readonly string[]
  /** `Proxy-Authorization` of each, where there was one. */
  readonly credentials: readonly string[]
  /** Tunnels open now. */
  tunnels(): number
}

export interface TestProxyOptions {
  /** Where everything really goes, since no name here exists: a port of this machine. Default: the port asked for. */
  readonly portOf?: (host: string) => number | undefined
  /** Answers everything with this status instead. */
  readonly refuse?: number
  /** Serves the proxy itself over TLS. */
  readonly tls?: { readonly key: string; readonly cert: string }
}

export async function createTestProxy({ portOf, refuse, tls }: TestProxyOptions = {}): Promise<TestProxy> {
  const seen: string[] = []
  const credentials: string[] = []
  const open = new Set<Duplex>()
  const record = ({ method, url, headers }: IncomingMessage): void => {
    seen.push(`${method} ${url}`)
    if (headers['proxy-authorization'] !== undefined) credentials.push(headers['proxy-authorization'])
  }
  const server: Server = tls ? createTlsServer(tls) : createServer()
  server.on('request', (incoming, outgoing) => {
    record(incoming)
    if (refuse !== undefined) {
      outgoing.writeHead(refuse).end()
      return
    }
    const url = new URL(incoming.url ?? '')
    const port = portOf?.(url.hostname) ?? Number(url.port)
    const options = { port, host: '127.0.0.1', path: url.pathname, method: incoming.method, headers: incoming.headers }
    const onward = httpRequest(options, answer => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  server.on('connect', (incoming: IncomingMessage, client: Socket) => {
    record(incoming)
    client.on('error', () => client.destroy())
    if (refuse !== undefined) {
      client.end(`HTTP/1.1 ${refuse} No\r\n\r\n`)
      return
    }
    const target = new URL(`http://${incoming.url}`)
    const onward = connectTo(portOf?.(target.hostname) ?? Number(target.port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      client.pipe(onward).pipe(client)
    })
    open.add(client)
    client.on('close', () => {
      open.delete(client)
      onward.destroy()
    })
    onward.on('error', () => client.destroy())
    onward.on('close', () => client.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    port,
    seen,
    credentials,
    tunnels: () => open.size,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
