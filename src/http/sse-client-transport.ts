import type { ClientTransport } from '../client/transport.ts'
import { TransportError } from '../jsonrpc/errors.ts'
import type { JsonRpcMessage } from '../jsonrpc/message.ts'
import type { TransportReceiver } from '../jsonrpc/transport.ts'
import { displayText } from '../oauth/protocol/display-text.ts'
import { authorizationContext } from './authorization-context.ts'
import { DEFAULT_MAX_MESSAGE_BYTES, type HttpClientTransportOptions } from './client-transport.ts'
import { readEventStream } from './event-stream.ts'
import { toNetworkError } from './network-error.ts'
import { fetchWithinOrigin } from './redirect.ts'
import { readRefusedAnswer } from './refused-answer.ts'
import { requestHeaders } from './request-headers.ts'
import { discardBody, mediaType } from './response-body.ts'
import { redactSecrets } from '../oauth/protocol/redaction.ts'

/** How long the server may take to say where messages go, in milliseconds. */
const ENDPOINT_TIMEOUT_MS = 30_000

/** One connection: a stream for what the server says, and where to POST what the client says. */
interface SseConnection {
  readonly endpoint: URL
}

/**
 * Carries messages over HTTP+SSE, the transport of revision 2024-11-05: one long GET stream brings everything, answers included; messages are
 * POSTed to the address that its first event names, which must be of the same origin (R-FETCH-1). A stream that ends takes the server's session
 * with it: what waits fails with `stream_lost`, and the next request begins anew.
 *
 * @see MCP 2024-11-05, Transports, HTTP with SSE
 */
export function createSseClientTransport(url: URL, options: HttpClientTransportOptions): ClientTransport {
  const { fetch, headers: custom, maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES } = options
  const context = authorizationContext(fetch)
  const ownSecrets = Object.values(custom ?? {}).flatMap(value => [value, value.replace(/^\S+\s+/, '')])
  const redact = (text: string): string => redactSecrets(context ? context.redact(text) : text, ownSecrets)
  const shownUrl = url.origin + url.pathname
  /** Requests whose answers the stream will bring, each with how to fail it. */
  const waiting = new Map<string, (error: Error | undefined) => void>()
  let receiver: TransportReceiver | undefined
  let connecting: Promise<SseConnection> | undefined
  /** Ends the stream that there is, or that is being opened. */
  let current: AbortController | undefined
  let lost = false
  let isClosed = false

  async function connect(): Promise<SseConnection> {
    const controller = new AbortController()
    current = controller
    const request = {
      method: 'GET',
      headers: requestHeaders({ custom, protocol: {}, accept: 'text/event-stream', hasBody: false }),
      signal: controller.signal,
    }
    const timer = setTimeout(() => controller.abort(), ENDPOINT_TIMEOUT_MS)
    try {
      const response = await fetchWithinOrigin(fetch, url, request)
      if (!response.ok)
        throw await readRefusedAnswer(response, { url: shownUrl, method: 'GET', inSession: false, redact })
      const { body } = response
      if (!body || mediaType(response) !== 'text/event-stream') {
        discardBody(response)
        const contentType = displayText(mediaType(response), 100)
        throw new TransportError('invalid_response', `${shownUrl} gives no event stream`, {
          url: shownUrl,
          contentType,
        })
      }
      const endpoint = await new Promise<URL>((resolve, reject) => {
        controller.signal.addEventListener('abort', () => reject(noEndpoint(shownUrl)), { once: true })
        void read(body, { resolve, reject, signal: controller.signal })
      })
      return { endpoint }
    } catch (error) {
      controller.abort()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** Reads the stream to its end; what comes before the endpoint is no message. */
  async function read(
    body: ReadableStream<Uint8Array>,
    { resolve, reject, signal }: { resolve: (url: URL) => void; reject: (error: Error) => void; signal: AbortSignal },
  ): Promise<void> {
    let cause: unknown
    try {
      await readEventStream(body, {
        maxEventLength: maxMessageBytes,
        signal,
        onEvent: ({ event, data }) => {
          if (event === 'endpoint') resolveEndpoint(data, resolve, reject)
          else if (data !== '' && (event === undefined || event === 'message')) deliver(data)
        },
      })
    } catch (error) {
      cause = error
    }
    reject(noEndpoint(shownUrl))
    end(cause)
  }

  function resolveEndpoint(data: string, resolve: (url: URL) => void, reject: (error: Error) => void): void {
    const endpoint = URL.canParse(data, url) ? new URL(data, url) : undefined
    if (endpoint?.origin === url.origin) resolve(endpoint)
    else {
      const received = displayText(endpoint ? endpoint.origin : data)
      const detail = {
        url: shownUrl,
        received,
        hint: 'Messages and credentials are sent to the origin of the server URL only',
      }
      reject(new TransportError('redirect_refused', `${shownUrl} wants messages sent to another origin`, detail))
    }
  }

  function deliver(data: string): void {
    let value: unknown
    try {
      value = JSON.parse(data)
    } catch {
      const detail = { url: shownUrl, received: displayText(data) }
      receiver?.error(new TransportError('invalid_response', 'An event of the stream is not JSON', detail))
      return
    }
    receiver?.message(value)
    if (typeof value === 'object' && value !== null && 'id' in value && !('method' in value))
      waiting.get(String(value.id))?.(undefined)
  }

  function end(cause: unknown): void {
    connecting = undefined
    lost = !isClosed
    const detail = { url: shownUrl, mayHaveRun: true }
    const error = new TransportError('stream_lost', `The stream from ${shownUrl} ended before the answer`, detail, {
      cause,
    })
    for (const settle of waiting.values()) settle(error)
  }

  async function post(message: JsonRpcMessage, signal: AbortSignal | undefined): Promise<void> {
    const method = 'method' in message ? message.method : 'an answer'
    if (method === 'initialize') lost = false
    if (lost) throw new TransportError('session_lost', `The stream from ${shownUrl} has ended; ${method} was not sent`)
    connecting ??= connect().catch((error: unknown) => {
      connecting = undefined
      throw error
    })
    const { endpoint } = await connecting
    signal?.throwIfAborted()
    const answered = 'id' in message && 'method' in message ? waitFor(String(message.id), signal) : undefined
    answered?.catch(() => undefined)
    try {
      await deliverTo(endpoint, message, signal)
    } catch (error) {
      if ('id' in message) waiting.get(String(message.id))?.(undefined)
      throw error
    }
    await answered
  }

  async function deliverTo(endpoint: URL, message: JsonRpcMessage, signal: AbortSignal | undefined): Promise<void> {
    const method = 'method' in message ? message.method : 'an answer'
    const response = await fetchWithinOrigin(fetch, endpoint, {
      method: 'POST',
      headers: requestHeaders({ custom, protocol: {}, accept: 'application/json', hasBody: true }),
      body: JSON.stringify(message),
      ...(signal && { signal }),
    })
    if (!response.ok) throw await readRefusedAnswer(response, { url: shownUrl, method, inSession: true, redact })
    discardBody(response)
  }

  /** Settles when the stream has brought the answer, or cannot bring it any more. */
  function waitFor(id: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: Error | undefined): void => {
        waiting.delete(id)
        signal?.removeEventListener('abort', onAbort)
        if (error) reject(error)
        else resolve()
      }
      const onAbort = (): void => settle(new TransportError('aborted', 'The wait was ended by its signal'))
      waiting.set(id, settle)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  return {
    exchangePerRequest: false,
    sessionId: undefined,
    useFamily: () => {},
    open: async given => {
      receiver = given
    },
    send: async (message, { signal } = {}) => {
      if (isClosed) throw new TransportError('closed', 'The connection is closed')
      try {
        await post(message, signal)
      } catch (error) {
        throw toNetworkError(error, shownUrl)
      }
    },
    close: async () => {
      isClosed = true
      current?.abort()
    },
    ...(context && { onInteraction: (listener: (active: boolean) => void) => context.onInteraction(listener) }),
  }
}

function noEndpoint(url: string): TransportError {
  return new TransportError('invalid_response', `${url} does not say where to send messages`, {
    url,
    hint: 'An HTTP+SSE server begins its stream with an endpoint event',
  })
}
