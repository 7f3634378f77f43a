import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { isIP } from 'node:net'
import { createApp, type ServerApp } from '../http/server/app.ts'
import { HttpBodyError, type HttpRequest, type HttpResponse, type StreamSink } from '../http/server/http-message.ts'
import type { Server } from '../server/server.ts'

/** A request listener, for `node:http`, Express, Fastify and whatever else calls one. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Makes a request listener of a server or of an app, without building a `Request`. Where something before it has read and parsed the body
 * (`express.json()`), `request.body` is used.
 */
export function toNodeHandler(served: Server | ServerApp): NodeHandler {
  const app = 'handle' in served ? served : createApp(served)
  return (request, response) => {
    void app.handle(new NodeRequest(request, response)).then(answer => write(response, answer))
  }
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
    return originalUrl ?? url
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
    response.once('close', onClose)
    return () => void response.off('close', onClose)
  }

  async readBody({ maxBytes, timeoutMs }: { readonly maxBytes: number; readonly timeoutMs: number }): Promise<string> {
    const { body } = this.#request as IncomingMessage & { readonly body?: unknown }
    if (body !== undefined && this.#request.readableEnded) return readParsed(body)
    if (Number(this.#request.headers['content-length'] ?? 0) > maxBytes) throw new HttpBodyError('too_large')
    return readStream(this.#request, maxBytes, timeoutMs)
  }
}

function readParsed(body: unknown): string {
  if (typeof body === 'string') return body
  return Buffer.isBuffer(body) ? body.toString() : JSON.stringify(body)
}

function readStream(request: IncomingMessage, maxBytes: number, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const fail = (reason: HttpBodyError['reason']): void => {
      clearTimeout(timer)
      // What still comes is not kept.
      chunks.length = 0
      bytes = Number.POSITIVE_INFINITY
      reject(new HttpBodyError(reason))
    }
    const timer = setTimeout(() => fail('too_slow'), timeoutMs)
    // The listeners go with the request; taking them off again would cost more than the rest.
    request.on('data', (chunk: Buffer) => {
      if (bytes === Number.POSITIVE_INFINITY) return
      bytes += chunk.length
      if (bytes > maxBytes) fail('too_large')
      else chunks.push(chunk)
    })
    request.on('end', () => {
      clearTimeout(timer)
      const [first] = chunks
      resolve(chunks.length === 1 && first ? first.toString() : Buffer.concat(chunks).toString())
    })
    request.on('close', () => {
      if (!request.complete) fail('lost')
    })
  })
}

function write(response: ServerResponse, { status, headers, body }: HttpResponse): void {
  if (response.destroyed || response.headersSent) return
  if (typeof body === 'function') {
    response.writeHead(status, headers)
    response.flushHeaders()
    body(toSink(response))
    return
  }
  if (body === undefined) {
    response.writeHead(status, status === 204 ? headers : { ...headers, 'content-length': '0' })
    response.end()
    return
  }
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

function toSink(response: ServerResponse): StreamSink {
  return {
    write: text => response.write(text),
    end: () => void response.end(),
    onDrain: listener => void response.on('drain', listener),
    onClose: listener => void response.once('close', listener),
  }
}

/** Whether a connection came in on an address of the machine itself. */
function isLoopbackSocket({ localAddress }: Socket): boolean {
  if (localAddress === undefined) return false
  const address = localAddress.startsWith('::ffff:') ? localAddress.slice(7) : localAddress
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'))
}
