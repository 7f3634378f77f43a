import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { isIP } from 'node:net'
import { createApp, type ServerApp } from '../http/server/app.ts'
import { collectBytes } from '../http/server/body-bytes.ts'
import { HttpBodyError, type HttpRequest } from '../http/server/http-message.ts'
import type { Server } from '../server/server.ts'
import { writeAnswer } from './write-answer.ts'

/** A request listener, for `node:http`, Express, Fastify and whatever else calls one. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void

/** How the listener treats its connections. */
export interface NodeHandlerOptions {
  /** Milliseconds in which a client may take nothing of its answer before the connection is cut. Default 60 000. */
  readonly stallTimeoutMs?: number
}

const STALL_TIMEOUT_MS = 60_000

/**
 * Makes a request listener of a server or of an app, without building a `Request`. Where something before it has read and parsed the body
 * (`express.json()`), `request.body` is used.
 */
export function toNodeHandler(served: Server | ServerApp, options: NodeHandlerOptions = {}): NodeHandler {
  const app = 'handle' in served ? served : createApp(served)
  const { stallTimeoutMs = STALL_TIMEOUT_MS } = options
  return (request, response) => {
    // That a connection is lost is told by `close`; nobody else listens, and an error that nobody hears ends the process.
    response.on('error', ignore)
    app
      .handle(new NodeRequest(request, response))
      .then(answer => writeAnswer(request, response, answer, stallTimeoutMs))
      .catch((error: unknown) => {
        app.server.internals.report(error, {})
        response.destroy()
      })
  }
}

function ignore(): void {
  // Nothing to do.
}

/** A request of `node:http`, as the core sees it. */
class NodeRequest implements HttpRequest {
  readonly #request: IncomingMessage
  readonly #response: ServerResponse

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request
    this.#response = response
  }

  get method(): string {
    return this.#request.method ?? 'GET'
  }

  get target(): string {
    // Express and its kind cut off what an app is mounted at.
    const { originalUrl, url = '/' } = this.#request as IncomingMessage & { readonly originalUrl?: string }
    const target = originalUrl ?? url
    // A proxy may name the whole URL (RFC 9112 §3.2.2).
    return target.startsWith('http') && URL.canParse(target) ? pathAndQuery(new URL(target)) : target
  }

  get isLoopback(): boolean {
    return isLoopbackSocket(this.#request.socket)
  }

  header(name: string): string | undefined {
    // Node keeps the first of several and tells nobody; what stands before this server may have looked at another.
    if (name === 'authorization') return this.#request.headersDistinct[name]?.join(', ')
    const value = this.#request.headers[name]
    return typeof value === 'string' || value === undefined ? value : value.join(', ')
  }

  onDisconnect(listener: () => void): () => void {
    const response = this.#response
    const onClose = (): void => {
      if (!response.writableFinished) listener()
    }
    if (response.destroyed) queueMicrotask(onClose)
    response.once('close', onClose)
    return () => void response.off('close', onClose)
  }

  async readBody({ maxBytes, timeoutMs }: { readonly maxBytes: number; readonly timeoutMs: number }): Promise<string> {
    const request = this.#request as IncomingMessage & { readonly body?: unknown }
    if (request.readableEnded && request.body !== undefined) return readParsed(request.body, maxBytes)
    // Neither would ever tell that it ended.
    if (request.readableEnded || request.destroyed) throw new HttpBodyError('lost')
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw new HttpBodyError('too_large')
    return readStream(request, maxBytes, timeoutMs)
  }
}

function pathAndQuery({ pathname, search }: URL): string {
  return `${pathname}${search}`
}

function readParsed(body: unknown, maxBytes: number): string {
  const text = typeof body === 'string' ? body : Buffer.isBuffer(body) ? body.toString() : JSON.stringify(body)
  if (text.length > maxBytes) throw new HttpBodyError('too_large')
  return text
}

function readStream(request: IncomingMessage, maxBytes: number, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const collected = collectBytes(maxBytes)
    const fail = (error: unknown): void => {
      clearTimeout(timer)
      reject(error)
    }
    const timer = setTimeout(() => fail(new HttpBodyError('too_slow')), timeoutMs)
    // The listeners go with the request; taking them off again would cost more than the rest.
    request.on('data', (chunk: Buffer) => {
      if (!collected.add(chunk)) fail(new HttpBodyError('too_large'))
    })
    request.on('end', () => {
      clearTimeout(timer)
      try {
        resolve(collected.text())
      } catch (error) {
        reject(error)
      }
    })
    request.on('close', () => {
      if (!request.complete) fail(new HttpBodyError('lost'))
    })
  })
}

/** Whether a connection came in on an address of the machine itself. */
function isLoopbackSocket({ localAddress }: Socket): boolean {
  if (localAddress === undefined) return false
  const address = localAddress.startsWith('::ffff:') ? localAddress.slice(7) : localAddress
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'))
}
