import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type AppOptions, createApp, type ServerApp } from '../http/server/app.ts'
import type { Server } from '../server/server.ts'
import { toNodeHandler } from './to-node-handler.ts'

/** Where and how to serve. Options of the app count only where a server is given, not an app. */
export interface ServeOptions extends AppOptions {
  /** Default 0: any free port. */
  readonly port?: number
  /** Address to bind. Default `127.0.0.1`; `0.0.0.0` opens it to the network. */
  readonly host?: string
  /** Serves https with this certificate, both in PEM. */
  readonly tls?: { readonly key: string; readonly cert: string }
}

/** A server that listens. */
export interface RunningServer {
  /** The endpoint's URL, such as `http://127.0.0.1:49152/mcp`. */
  readonly url: string
  readonly port: number
  /** Takes no more requests, waits for calls under way, and closes the server with everything that belongs to it. Safe to call twice. */
  close(): Promise<void>
}

/** Milliseconds that headers may take; without, every slow connection holds a socket. */
const HEADERS_TIMEOUT_MS = 30_000
const DEFAULT_PATH = '/mcp'

/**
 * Serves a server, or an app such as `protect` makes, over `node:http`. Rejects with the system's error when the port cannot be had.
 *
 * The endpoint is at `/mcp` unless `path` or the app says otherwise.
 */
export async function serve(served: Server | ServerApp, options: ServeOptions = {}): Promise<RunningServer> {
  const { port = 0, host = '127.0.0.1', tls, path = DEFAULT_PATH, ...appOptions } = options
  const app = 'handle' in served ? served : createApp(served, { path, ...appOptions })
  const handler = toNodeHandler(app)
  const http = tls ? createHttpsServer(tls, handler) : createHttpServer(handler)
  http.headersTimeout = HEADERS_TIMEOUT_MS
  // Bodies have a limit of their own, and streams have none.
  http.requestTimeout = 0
  const bound = await listen(http, port, host)
  let closed: Promise<void> | undefined
  return {
    url: `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${bound}${app.path ?? DEFAULT_PATH}`,
    port: bound,
    close: () => (closed ??= close(http, app)),
  }
}

function listen(http: HttpServer, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once('error', reject)
    http.listen(port, host, () => {
      http.off('error', reject)
      resolve((http.address() as AddressInfo).port)
    })
  })
}

async function close(http: HttpServer, app: ServerApp): Promise<void> {
  const ended = new Promise<void>(resolve => http.close(() => resolve()))
  http.closeIdleConnections()
  await app.close()
  http.closeAllConnections()
  await ended
}
