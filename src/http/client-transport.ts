import type { ClientTransport } from '../client/transport.ts'
import { TransportError } from '../jsonrpc/errors.ts'
import type { JsonRpcMessage, JsonRpcRequest } from '../jsonrpc/message.ts'
import type { SendOptions, TransportReceiver } from '../jsonrpc/transport.ts'
import { displayText } from '../oauth/protocol/display-text.ts'
import { redactSecrets } from '../oauth/protocol/redaction.ts'
import type { RevisionFamily } from '../protocol/revisions/family.ts'
import { readAnswer } from './answer.ts'
import { authorizationContext } from './authorization-context.ts'
import { isDroppedConnection, toNetworkError } from './network-error.ts'
import { type Fetch, fetchWithinOrigin } from './redirect.ts'
import { readRefusedAnswer } from './refused-answer.ts'
import { requestHeaders } from './request-headers.ts'
import { discardBody, mediaType } from './response-body.ts'
import { createServerStream, type OpenStream } from './server-stream.ts'

/** Bytes of one message, unless an option says otherwise. */
export const DEFAULT_MAX_MESSAGE_BYTES: number = 64 * 1024 * 1024
/** How long `close` waits for the server to end the session. */
const CLOSE_TIMEOUT_MS = 2000

export interface HttpClientTransportOptions {
  readonly fetch: Fetch
  /** Sent with every request; they never replace the protocol's own. */
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes that one message, or characters that one event of a stream, may hold. Default 64 MiB. */
  readonly maxMessageBytes?: number
}

/**
 * Carries messages over Streamable HTTP: every message is a POST, every answer JSON or an event stream. Keeps the session of the
 * handshake revisions and ends it with DELETE. Redirects are followed only within the origin and with the method kept.
 *
 * @see {@link https://modelcontextprotocol.io/specification/2025-11-25/basic/transports | Transports}
 */
export function createHttpClientTransport(url: URL, options: HttpClientTransportOptions): ClientTransport {
  const { fetch, headers: custom, maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES } = options
  const context = authorizationContext(fetch)
  const ownSecrets = Object.values(custom ?? {}).flatMap(value => [value, value.replace(/^\S+\s+/, '')])
  // Servers repeat what they were sent, and errors end up in logs.
  const redact = (text: string): string => redactSecrets(context ? context.redact(text) : text, ownSecrets)
  const exchanges = new Set<AbortController>()
  let isClosed = false
  const shownUrl = url.origin + url.pathname
  let receiver: TransportReceiver | undefined
  let family: RevisionFamily | undefined
  let sessionId: string | undefined

  const exchange = async (
    message: JsonRpcMessage,
    { signal, headers }: { readonly signal: AbortSignal; readonly headers: SendOptions['headers'] },
  ): Promise<void> => {
    if (!receiver || !family) throw new TransportError('configuration', 'The transport was not opened')
    const method = 'method' in message ? message.method : 'answer'
    const session = method === 'initialize' ? undefined : sessionId
    const request = {
      method: 'POST',
      headers: requestHeaders({
        custom,
        protocol: { ...headers, ...family.http.headers('method' in message ? message : undefined, session) },
        accept: 'application/json, text/event-stream',
        hasBody: true,
      }),
      body: JSON.stringify(message),
      signal,
    }
    const response = await fetchWithinOrigin(fetch, url, request).catch((error: unknown) => {
      if (signal.aborted || !isRepeatable(message) || !isDroppedConnection(error)) throw error
      return fetchWithinOrigin(fetch, url, request)
    })
    if (!response.ok) {
      const inSession = session !== undefined && family.http.notFound === 'session-lost'
      throw await readRefusedAnswer(response, { url: shownUrl, method, inSession, redact })
    }
    if (method === 'initialize' && family.http.sessions) sessionId = response.headers.get('mcp-session-id') ?? undefined
    if (isRequest(message))
      await readAnswer(response, {
        request: message,
        url: shownUrl,
        receiver,
        maxMessageBytes,
        signal,
        redact,
        ...(family.http.resumption && { resume: openStream }),
      })
    else discardBody(response)
  }

  const openStream: OpenStream = async ({ lastEventId, signal }) => {
    const session = sessionId
    const protocol = family?.http.headers(undefined, session) ?? {}
    const resumed = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
    const response = await fetchWithinOrigin(fetch, url, {
      method: 'GET',
      headers: requestHeaders({
        custom,
        protocol: { ...protocol, ...resumed },
        accept: 'text/event-stream',
        hasBody: false,
      }),
      signal,
    }).catch((error: unknown) => {
      throw toNetworkError(error, shownUrl)
    })
    if (response.ok && response.body && mediaType(response) === 'text/event-stream') return response.body
    if (!response.ok) {
      const inSession = session !== undefined
      throw await readRefusedAnswer(response, { url: shownUrl, method: 'GET', inSession, redact })
    }
    discardBody(response)
    const detail = { url: shownUrl, status: response.status, contentType: displayText(mediaType(response), 100) }
    throw new TransportError('invalid_response', `${shownUrl} gives no event stream`, detail)
  }
  const serverStream = createServerStream({
    open: openStream,
    receiver: () => receiver,
    url: shownUrl,
    maxEventLength: maxMessageBytes,
  })

  const endSession = async (): Promise<void> => {
    const { headers } = family?.http ?? {}
    if (!headers || sessionId === undefined) return
    const request = {
      method: 'DELETE',
      headers: requestHeaders({
        custom,
        protocol: headers(undefined, sessionId),
        accept: 'application/json',
        hasBody: false,
      }),
      signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS),
    }
    sessionId = undefined
    discardBody(await fetchWithinOrigin(fetch, url, request))
  }

  return {
    exchangePerRequest: true,
    get sessionId() {
      return sessionId
    },
    open: async given => {
      receiver = given
    },
    useFamily: given => {
      family = given
    },
    listen: () => {
      if (family?.http.getStream && !isClosed) serverStream.start()
    },
    send: async (message: JsonRpcMessage, { signal, headers }: SendOptions = {}) => {
      if (isClosed) throw new TransportError('closed', 'The connection is closed')
      const controller = new AbortController()
      const onAbort = (): void => controller.abort(signal?.reason)
      exchanges.add(controller)
      signal?.addEventListener('abort', onAbort, { once: true })
      if (signal?.aborted) onAbort()
      try {
        await exchange(message, { signal: controller.signal, headers })
      } catch (error) {
        throw toNetworkError(error, shownUrl)
      } finally {
        signal?.removeEventListener('abort', onAbort)
        exchanges.delete(controller)
      }
    },
    close: async () => {
      isClosed = true
      serverStream.stop()
      for (const controller of exchanges) controller.abort()
      // Best effort: a server that is gone, slow or does not allow DELETE has nothing to say about closing.
      await endSession().catch(() => undefined)
    },
    ...(context && { grantId: () => context.grantId() }),
    ...(context && { onInteraction: (listener: (active: boolean) => void) => context.onInteraction(listener) }),
  }
}

/** Whether sending `message` twice does no harm. A tool may have run although no answer came. */
function isRepeatable(message: JsonRpcMessage): boolean {
  return 'method' in message && message.method !== 'tools/call'
}

function isRequest(message: JsonRpcMessage): message is JsonRpcRequest {
  return 'method' in message && 'id' in message
}
