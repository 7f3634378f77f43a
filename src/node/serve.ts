import { createServer as createHttpServer, type Server as HttpServer, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { APP_OPTIONS, type AppOptions, createApp, type ServerApp } from '../http/server/app.ts'
import { assertOptions, findOther, type OptionNames } from '../server/given-options.ts'
import type { Server } from '../server/server.ts'
import { toNodeHandler } from './to-node-handler.ts'

/** Where and how to serve. Options of the app are for where a server is given: an app has its own. */
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
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Milliseconds that headers may take; without, every slow connection holds a socket. */
const HEADERS_TIMEOUT_MS = 30_000
/** Milliseconds that a whole request may take, also one that is refused before its body is read. Answers have no such limit. */
const REQUEST_TIMEOUT_MS = 300_000
/** Milliseconds in which answers must have reached their clients when the server closes. */
const FLUSH_MS = 2000
const DEFAULT_PATH = '/mcp'
const LISTEN_OPTIONS = { port: true, host: true, tls: true } as const
const OPTIONS: OptionNames<ServeOptions> = { ...LISTEN_OPTIONS, ...APP_OPTIONS }

/**
 * Serves a server, or an app such as `protect` makes, over `node:http`. Rejects with the system's error when the port cannot be had.
 *
 * The endpoint is at `/mcp` unless `path` or the app says otherwise.
 *
 * @throws {TypeError} an option that does not exist, or that the app should have been given
 */
export async function serve(served: Server | ServerApp, options: ServeOptions = {}): Promise<RunningServer> {
  assertServeOptions(served, options)
  const { port = 0, host = '127.0.0.1', tls, path = DEFAULT_PATH, ...appOptions } = options
  const app = 'handle' in served ? served : createApp(served, { path, ...appOptions })
  const http = tls ? createHttpsServer(tls) : createHttpServer()
  const unanswered = new Set<ServerResponse>()
  http.on('request', (_request, response) => {
    unanswered.add(response)
    response.once('close', () => unanswered.delete(response))
  })
  http.on('request', toNodeHandler(app))
  http.headersTimeout = HEADERS_TIMEOUT_MS
  http.requestTimeout = Math.max(REQUEST_TIMEOUT_MS, HEADERS_TIMEOUT_MS + (app.bodyTimeoutMs ?? 0))
  const bound = await listen(http, port, host)
  let closed: Promise<void> | undefined
  const closeOnce = (): Promise<void> => (closed ??= close(http, app, unanswered))
  return {
    url: `${tls ? 'https' : 'http'}://${nameOf(host)}:${bound}${app.path ?? DEFAULT_PATH}`,
    port: bound,
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  }
}

function assertServeOptions(served: Server | ServerApp, options: ServeOptions): void {
  assertOptions('serve', options, OPTIONS)
  const late = findOther(options, LISTEN_OPTIONS)
  if ('handle' in served && late !== undefined)
    throw new TypeError(`serve got an app, which has its options already: give ${late} to createApp or protect`)
}

function listen(http: HttpServer, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once('error', reject)
    http.listen(port, host, () => {
      http.off('error', reject)
      // Accepting one connection may fail when the system runs out of something; the next may not.
      http.on('error', () => undefined)
      resolve((http.address() as AddressInfo).port)
    })
  })
}

async function close(http: HttpServer, app: ServerApp, unanswered: ReadonlySet<ServerResponse>): Promise<void> {
  const ended = new Promise<void>(resolve => http.close(() => resolve()))
  http.closeIdleConnections()
  await app.close()
  await flushed(unanswered)
  http.closeAllConnections()
  await ended
}

/** Waits until the answers of calls that just ended have left, which closing their connections would cut off. */
async function flushed(unanswered: ReadonlySet<ServerResponse>): Promise<void> {
  const all = [...unanswered].map(
    response => new Promise<void>(resolve => (response.closed ? resolve() : response.once('close', resolve))),
  )
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, FLUSH_MS)
  })
  await Promise.race([Promise.all(all), late])
  clearTimeout(timer)
}

/** The name in a URL: an address that stands for every one is none to connect to. */
function nameOf(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
