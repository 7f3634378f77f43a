/** One request that a scripted server got. */
export interface ScriptedRequest {
  readonly method: string
  readonly url: string
  readonly headers: Headers
  /** The parsed JSON-RPC message; undefined of a GET or DELETE. */
  readonly message: any
  readonly signal: AbortSignal
}

export type Answer = (request: ScriptedRequest) => Response | Promise<Response>

export interface ScriptedServer {
  readonly fetch: (input: string | URL, init?: RequestInit) => Promise<Response>
  readonly requests: ScriptedRequest[]
  /** The methods asked for, in order. */
  readonly methods: () => string[]
  /** May be replaced while the server runs. */
  answer: Answer
}

/** A server without sockets: a `fetch` that records what it gets and answers by a function. */
export function createScriptedServer(answer: Answer): ScriptedServer {
  const requests: ScriptedRequest[] = []
  const server: ScriptedServer = {
    requests,
    methods: () => requests.map(({ method, message }) => message?.method ?? method),
    answer,
    fetch: async (input, init) => {
      const request = new Request(input, init)
      init?.signal?.throwIfAborted()
      const recorded = {
        method: request.method,
        url: request.url,
        headers: request.headers,
        message: typeof init?.body === 'string' ? JSON.parse(init.body) : undefined,
        signal: request.signal,
      }
      requests.push(recorded)
      return await server.answer(recorded)
    },
  }
  return server
}

/** A JSON-RPC result as a JSON answer. */
export function result(request: ScriptedRequest, value: object, headers?: Record<string, string>): Response {
  return Response.json({ jsonrpc: '2.0', id: request.message.id, result: value }, { headers: headers ?? {} })
}

/** A JSON-RPC error as an answer of any status. */
export function rpcError(
  request: ScriptedRequest,
  status: number,
  code: number,
  message: string,
  data?: unknown,
): Response {
  return Response.json({ jsonrpc: '2.0', id: request.message.id, error: { code, message, data } }, { status })
}

/** Text as an event stream, in chunks. */
export function eventStream(...chunks: (string | Uint8Array)[]): Response {
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    start: controller => {
      for (const chunk of chunks) controller.enqueue(typeof chunk === 'string' ? encoder.encode(chunk) : chunk)
      controller.close()
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

/** One message as an event. */
export function event(message: unknown, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(message)}\n\n`
}

export type Methods = Readonly<Record<string, Answer | object>>

/** Answers a method from a table: a function, or a result. Notifications get 202, DELETE 200, unknown methods −32601. */
export async function answerFrom(methods: Methods, request: ScriptedRequest): Promise<Response> {
  if (request.message === undefined) return new Response(null, { status: 200 })
  const method: string = request.message.method
  if (request.message.id === undefined || method === undefined) return new Response(null, { status: 202 })
  const entry = methods[method]
  if (typeof entry === 'function') return (entry as Answer)(request)
  return entry ? result(request, entry) : rpcError(request, 400, -32601, 'Method not found')
}

export const SERVER_INFO = { name: 'scripted', version: '1.0.0' }

/** A server of the handshake family, with a session unless `sessionId` is null. */
export function createHandshakeServer(
  methods: Methods = {},
  { protocolVersion = '2025-11-25', sessionId = 's1' }: { protocolVersion?: string; sessionId?: string | null } = {},
): ScriptedServer {
  return createScriptedServer(request =>
    answerFrom(
      {
        initialize: asked =>
          result(
            asked,
            { protocolVersion, capabilities: { tools: {} }, serverInfo: SERVER_INFO },
            sessionId ? { 'mcp-session-id': sessionId } : {},
          ),
        ping: {},
        ...methods,
      },
      request,
    ),
  )
}

/** A server of the stateless family. */
export function createStatelessServer(methods: Methods = {}): ScriptedServer {
  return createScriptedServer(request =>
    answerFrom(
      {
        'server/discover': {
          resultType: 'complete',
          supportedVersions: ['2026-07-28'],
          capabilities: { tools: {} },
          ttlMs: 0,
          cacheScope: 'private',
          _meta: { 'io.modelcontextprotocol/serverInfo': SERVER_INFO },
        },
        ...methods,
      },
      request,
    ),
  )
}
