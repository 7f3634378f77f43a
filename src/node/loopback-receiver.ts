import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { OAuthError } from '../oauth/errors.ts'
import type { CallbackHandler, CallbackOutcome } from '../oauth/authorizer.ts'
import { callbackPage, CALLBACK_HEADERS } from './callback-page.ts'
import { errorCode } from './private-file.ts'

export interface LoopbackReceiverOptions {
  /** Bind exactly this port and fail when it is taken. Default: one of `preferredPorts` that is free, else any. */
  readonly port?: number
  /** Ports that would be welcome, most wanted first. */
  readonly preferredPorts?: readonly number[]
  /** Host name in the redirect URI; the listener binds loopback whatever it is. Default `127.0.0.1`. */
  readonly host?: '127.0.0.1' | 'localhost'
  /** Default `/callback`. */
  readonly path?: string
  /** Shown on the page. */
  readonly server?: string
}

/** Listens on loopback for authorization responses. */
export interface LoopbackReceiver {
  readonly redirectUri: string
  readonly port: number
  /** Hands every response to `handle`; resolves when one completed or failed the login and the page that says so was sent. */
  receive(handle: CallbackHandler): Promise<CallbackOutcome>
  /** Stops listening and ends open connections. Safe to call twice. */
  close(): Promise<void>
}

const MAX_HEADER_BYTES = 32 * 1024

/**
 * Binds a loopback port and listens, before any URL that names it is made (RFC 8252 §7.3).
 *
 * @throws {OAuthError} `redirect_uri_refused` when the fixed port is taken
 */
export async function createLoopbackReceiver(options: LoopbackReceiverOptions = {}): Promise<LoopbackReceiver> {
  const { host = '127.0.0.1', path = '/callback' } = options
  let handler: CallbackHandler | undefined
  let finish: ((outcome: CallbackOutcome) => void) | undefined

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // A page elsewhere can point a name of its own at this port; a browser then names that host (DNS rebinding).
    const named = request.headers.host
    const own = named === `127.0.0.1:${port}` || named === `localhost:${port}`
    const url = new URL(request.url ?? '/', `http://127.0.0.1:${port}`)
    if (!own || url.pathname !== path)
      return send(response, 404, { status: 'ignored', message: 'There is nothing at this address.' })
    if (request.method !== 'GET')
      return send(response, 405, { status: 'ignored', message: 'This address only takes a redirect.' })
    if (!handler) return send(response, 503, { status: 'ignored', message: 'The login has not begun yet.' })
    // Held until the tokens are stored, so that the page can tell the truth.
    const outcome = await handler(url.searchParams)
    await send(response, outcome.status === 'completed' ? 200 : 400, outcome)
    if (outcome.status !== 'ignored') finish?.(outcome)
  }

  const send = (response: ServerResponse, status: number, outcome: CallbackOutcome): Promise<void> =>
    new Promise(resolve => {
      response.once('close', resolve)
      response.writeHead(status, { ...CALLBACK_HEADERS, connection: 'close' })
      response.end(callbackPage(outcome, options.server), () => resolve())
    })

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response).catch(() => response.destroy())
  }
  const server = await bind(options, listener)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  // Browsers may try ::1 first for localhost. Without IPv6 they fall back by themselves.
  const second = host === 'localhost' ? await listen(listener, port, '::1').catch(() => undefined) : undefined

  return {
    redirectUri: `http://${host}:${port}${path}`,
    port,
    receive: handle =>
      new Promise(resolve => {
        handler = handle
        finish = resolve
      }),
    async close() {
      handler = undefined
      await Promise.all([closeServer(server), second && closeServer(second)])
    },
  }
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

async function bind({ port, preferredPorts = [] }: LoopbackReceiverOptions, listener: Listener): Promise<Server> {
  for (const wanted of port === undefined ? [...preferredPorts, 0] : [port]) {
    try {
      return await listen(listener, wanted, '127.0.0.1')
    } catch (error) {
      const code = errorCode(error)
      if (port === undefined && wanted !== 0) continue
      throw new OAuthError(
        'redirect_uri_refused',
        `Port ${wanted} of 127.0.0.1 cannot be used for the login (${code ?? 'unknown error'}).`,
        {
          step: 'callback listener',
          expected: `a free port ${wanted}`,
          ...(code !== undefined && { received: code }),
          hint: 'End the program that uses it, or choose another one with the option `port` (--redirect-port).',
        },
        { cause: error },
      )
    }
  }
  throw new OAuthError('redirect_uri_refused', 'No loopback port could be bound.', { step: 'callback listener' })
}

function listen(listener: Listener, port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: 10_000 }, listener)
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
