import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpResponse, StreamSink } from '../http/server/http-message.ts'

/** Milliseconds in which the rest of a refused body is taken before the connection closes: a client that still sends would lose the answer. */
const LINGER_MS = 2000

/**
 * Writes the core's answer. A client that takes nothing of it for `stallTimeoutMs` is cut off, so that whoever does not read holds neither memory nor
 * a socket.
 */
export function writeAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: HttpResponse,
  stallTimeoutMs: number,
): void {
  if (response.destroyed || response.headersSent) return
  if (typeof body === 'function') {
    response.writeHead(status, headers)
    response.flushHeaders()
    body(toSink(response, stallTimeoutMs))
    return
  }
  const length = body === undefined ? 0 : Buffer.byteLength(body)
  // The length would be that of the answer to a GET, which nobody has made here (RFC 9110 §8.6).
  const hasLength = status !== 204 && !(request.method === 'HEAD' && body === undefined)
  response.writeHead(status, hasLength ? { ...headers, 'content-length': length } : headers)
  if (headers['connection'] === 'close' && !request.complete) return endAfterRequest(request, response, body)
  response.end(body)
  watch(response, stallTimeoutMs)
}

/** Sends the answer at once, and closes the connection only when the client has sent everything, or after a while. */
function endAfterRequest(request: IncomingMessage, response: ServerResponse, body: string | undefined): void {
  if (body !== undefined) response.write(body)
  const end = (): void => {
    clearTimeout(timer)
    response.end()
  }
  const timer = setTimeout(end, LINGER_MS)
  request.once('end', end)
  request.once('close', end)
  request.resume()
}

function toSink(response: ServerResponse, stallTimeoutMs: number): StreamSink {
  return {
    write: text => {
      const keepsUp = response.write(text)
      if (!keepsUp) watch(response, stallTimeoutMs)
      return keepsUp
    },
    end: () => {
      response.end()
      watch(response, stallTimeoutMs)
    },
    cut: () => void response.destroy(),
    onDrain: listener =>
      void response.on('drain', () => {
        response.setTimeout(0)
        listener()
      }),
    onClose: listener => void response.once('close', listener),
  }
}

/** Lets Node destroy the connection when it makes no progress; what still flows, however slowly, counts as progress. */
function watch(response: ServerResponse, stallTimeoutMs: number): void {
  // What the system took at once, as it takes nearly every answer, needs no clock.
  if (response.socket && response.socket.writableLength > 0) response.setTimeout(stallTimeoutMs)
}
