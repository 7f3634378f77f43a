import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'

/** Where to listen. */
export interface ListenOptions {
  /** Address to bind. Default `127.0.0.1`; `0.0.0.0` opens it to the network. */
  readonly host?: string
  /** Default 0: any free port. */
  readonly port?: number
  /** Serves https with this certificate, both in PEM. */
  readonly tls?: { readonly key: string; readonly cert: string }
}

/** A server that listens. */
export interface Listener {
  /** Origin, without a slash at the end: `http://127.0.0.1:49152`. */
  readonly url: string
  readonly port: number
  /** Stops listening and ends every open connection, requests under way included. Safe to call twice. */
  close(): Promise<void>
}

/**
 * Serves a web-standard request handler over `node:http`. Bodies stream both ways; the request's signal aborts when the
 * connection is lost before the answer is complete; a handler that rejects loses the connection, so that a client sees a network
 * failure. Rejects with the system's error when the port cannot be had.
 */
export async function listen(
  handler: (request: Request) => Promise<Response>,
  options: ListenOptions = {},
): Promise<Listener> {
  const { host = '127.0.0.1', port = 0, tls } = options
  let origin = ''
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    answer(handler, origin, incoming, outgoing).catch(() => outgoing.destroy())
  }
  const server = tls ? createTlsServer(tls, onRequest) : createServer(onRequest)
  const bound = await bind(server, host, port)
  origin = `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${bound}`
  return { url: origin, port: bound, close: () => close(server) }
}

function bind(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    // The error of closing twice says only that there is nothing to do.
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

async function answer(
  handler: (request: Request) => Promise<Response>,
  origin: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const lost = new AbortController()
  outgoing.on('close', () => {
    if (!outgoing.writableFinished) lost.abort(new Error('the client went away'))
  })
  const response = await handler(toRequest(origin, incoming, lost.signal))
  const headers: Record<string, string | string[]> = Object.fromEntries(response.headers)
  const cookies = response.headers.getSetCookie()
  if (cookies.length > 0) headers['set-cookie'] = cookies
  outgoing.writeHead(response.status, headers)
  if (!response.body) {
    outgoing.end()
    return
  }
  // A stream's first event may be minutes away; the client must see the status now.
  outgoing.flushHeaders()
  await write(response.body, outgoing, lost.signal)
}

function toRequest(origin: string, incoming: IncomingMessage, signal: AbortSignal): Request {
  const method = incoming.method ?? 'GET'
  const headers = new Headers()
  for (let index = 0; index + 1 < incoming.rawHeaders.length; index += 2) {
    const name = incoming.rawHeaders[index] ?? ''
    if (!name.startsWith(':')) headers.append(name, incoming.rawHeaders[index + 1] ?? '')
  }
  const base = incoming.headers.host === undefined ? origin : `${new URL(origin).protocol}//${incoming.headers.host}`
  // An absolute request target (RFC 9112 §3.2.2) names its own host; resolving handles both forms.
  const url = new URL(incoming.url ?? '/', base)
  if (method === 'GET' || method === 'HEAD') return new Request(url, { method, headers, signal })
  const body = Readable.toWeb(incoming) as ReadableStream<Uint8Array>
  return new Request(url, { method, headers, signal, body, duplex: 'half' } as RequestInit)
}

async function write(body: ReadableStream<Uint8Array>, outgoing: ServerResponse, signal: AbortSignal): Promise<void> {
  const reader = body.getReader()
  const stop = (): void => void reader.cancel(signal.reason).catch(() => {})
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    if (!outgoing.write(value)) await drained(outgoing)
  }
  outgoing.end()
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      outgoing.off('drain', done)
      outgoing.off('close', done)
      resolve()
    }
    outgoing.on('drain', done)
    outgoing.on('close', done)
  })
}
