import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { CallbackHandler, CallbackOutcome } from '../oauth/authorizer.ts'
import { OAuthError } from '../oauth/errors.ts'
import { callbackPage, CALLBACK_HEADERS } from './callback-page.ts'
import { type CallbackAddress, callbackAddresses, type CallbackAddressOptions } from './callback-address.ts'
import { errorCode } from './private-file.ts'

export interface LoopbackReceiverOptions extends CallbackAddressOptions {
  /** Shown on the page. */
  readonly server?: string
}

/** Listens on loopback for authorization responses. */
export interface LoopbackReceiver {
  readonly redirectUri: string
  readonly port: number
  /** Hands every response to `handle`; resolves when one completed or failed the login and the page that says so was sent. */
  receive(handle: CallbackHandler): Promise<CallbackOutcome>
  /** Stops listening; pages that are about to be sent are, other connections are ended. Safe to call twice. */
  close(): Promise<void>
}

const MAX_HEADER_BYTES = 32 * 1024
/** How long a page that waits for its outcome may hold up `close`. */
const CLOSE_GRACE_MS = 1_000
/** This machine has no IPv6: nothing can listen there, nor take what is meant for us. */
const NO_IPV6: ReadonlySet<unknown> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL', 'EPROTONOSUPPORT'])

/**
 * Binds a loopback port and listens, before any URL that names it is made (RFC 8252 §7.3).
 *
 * @throws {OAuthError} `redirect_uri_refused` when the fixed port is taken, `configuration`
 */
export async function createLoopbackReceiver(options: LoopbackReceiverOptions = {}): Promise<LoopbackReceiver> {
  let handler: CallbackHandler | undefined
  let finish: ((outcome: CallbackOutcome) => void) | undefined
  let closing: Promise<void> | undefined
  const answers = new Set<Promise<void>>()

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', redirectUri)
    // A page elsewhere can point a name of its own at this port; a browser then names that host (DNS rebinding).
    if (!hosts.includes(request.headers.host) || url.pathname !== address.path)
      return send(response, 404, { status: 'ignored', message: 'There is nothing at this address.' })
    if (request.method !== 'GET')
      return send(response, 405, { status: 'ignored', message: 'This address only takes a redirect.' })
    if (!handler) return send(response, 503, { status: 'ignored', message: 'No login is waiting for an answer.' })
    // Held until the tokens are stored, so that the page can tell the truth.
    const outcome = await handler(url.searchParams)
    await send(response, outcome.status === 'completed' ? 200 : 400, outcome)
    if (outcome.status !== 'ignored') finish?.(outcome)
  }

  const send = (response: ServerResponse, status: number, outcome: CallbackOutcome): Promise<void> =>
    new Promise(resolve => {
      // The person closed the tab, or loaded it anew: the login goes on all the same.
      if (response.destroyed) return resolve()
      response.once('close', resolve)
      response.writeHead(status, { ...CALLBACK_HEADERS, connection: 'close' })
      response.end(callbackPage(outcome, options.server), () => resolve())
    })

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const answered = answer(request, response)
      .catch(() => void response.destroy())
      .finally(() => answers.delete(answered))
    answers.add(answered)
  }
  const { address, servers } = await bind(options, listener)
  const { host, port, path } = address
  const redirectUri = `http://${host}:${port}${path}`
  // As a browser writes them: without the port when it is 80.
  const hosts: readonly unknown[] = ['127.0.0.1', 'localhost'].map(name => new URL(`http://${name}:${port}`).host)

  return {
    redirectUri,
    port,
    receive: handle =>
      new Promise(resolve => {
        handler = handle
        finish = resolve
      }),
    close() {
      handler = undefined
      closing ??= closeAll(servers, answers)
      return closing
    },
  }
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

interface Bound {
  readonly address: CallbackAddress
  readonly servers: readonly Server[]
}

async function bind(options: LoopbackReceiverOptions, listener: Listener): Promise<Bound> {
  let failure: unknown
  for (const address of callbackAddresses(options)) {
    try {
      return await bindAddress(address, listener)
    } catch (error) {
      failure = error
    }
  }
  const code = errorCode(failure) ?? 'unknown error'
  const wanted = options.port === undefined ? 'a free port' : `port ${options.port}`
  throw new OAuthError(
    'redirect_uri_refused',
    `The login needs ${wanted} on this machine's loopback address, and cannot have it (${code}).`,
    {
      step: 'callback listener',
      expected: wanted,
      received: code,
      hint: 'End the program that uses it, or choose another one with the option `port` (--redirect-port).',
    },
    { cause: failure },
  )
}

/** `localhost` is bound in both families: browsers may try ::1 first, where another program could be waiting (field A4). */
async function bindAddress(address: CallbackAddress, listener: Listener): Promise<Bound> {
  const server = await listen(listener, address.port, '127.0.0.1')
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port
  const servers = [server]
  try {
    if (address.host === 'localhost') servers.push(await listen(listener, port, '::1'))
  } catch (error) {
    if (!NO_IPV6.has(errorCode(error))) {
      server.close()
      throw error
    }
  }
  return { address: { ...address, port }, servers }
}

function listen(listener: Listener, port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: 10_000 }, listener)
    // It stays: a connection that cannot be accepted later is that client's loss, not the end of this process.
    server.on('error', reject)
    server.listen(port, host, () => resolve(server))
  })
}

async function closeAll(servers: readonly Server[], answers: Iterable<Promise<void>>): Promise<void> {
  const closed = servers.map(server => new Promise(resolve => server.close(resolve)))
  await settledOrLate([...answers])
  for (const server of servers) server.closeAllConnections()
  await Promise.all(closed)
}

async function settledOrLate(answers: readonly Promise<void>[]): Promise<void> {
  if (answers.length === 0) return
  let timer: NodeJS.Timeout | undefined
  const late = new Promise(resolve => {
    timer = setTimeout(resolve, CLOSE_GRACE_MS)
  })
  await Promise.race([Promise.all(answers), late])
  clearTimeout(timer)
}
