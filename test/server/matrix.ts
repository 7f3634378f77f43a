import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type Client, type ClientOptions, type ClientTransport, connect, openClient } from '../../src/client.ts'
import type { Transport, TransportReceiver } from '../../src/jsonrpc/transport.ts'
import { serve } from '../../src/node.ts'
import { type ProtocolRevision, REVISION_FEATURES, type RevisionFeatures } from '../../src/protocol/revisions.ts'
import { createServer, type ErrorOrigin, type Server, serveConnection, type ServerOptions } from '../../src/server.ts'
import { createLineFraming } from '../../src/stdio/line-framing.ts'
import { serveStdio } from '../../src/stdio.ts'
import { createTransportPair } from '../../src/testing.ts'
import { createWireCheck, type WireCheck } from './wire-check.ts'

export const REVISIONS = ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const
export const TRANSPORTS = ['memory', 'stdio', 'http'] as const

/** One cell of the matrix: a server on one transport, with our client in one revision. */
export interface Cell {
  readonly revision: ProtocolRevision
  readonly features: RevisionFeatures
  readonly transport: (typeof TRANSPORTS)[number]
  /** The server; register on it before `open`. */
  readonly server: Server
  /** What reached `onError`. */
  readonly errors: { readonly error: any; readonly origin: ErrorOrigin }[]
  /** Connects a client. It is closed at the end, with the server. */
  open(options?: ClientOptions): Promise<Client>
  /** Every message that the server sent to clients, as it came. */
  readonly wire: () => WireCheck['messages']
}

export interface MatrixOptions {
  readonly server?: Partial<ServerOptions>
  readonly transports?: readonly (typeof TRANSPORTS)[number][]
  readonly revisions?: readonly ProtocolRevision[]
}

/**
 * Runs a case over every transport and revision. Everything that the server sends meanwhile must be valid by the published schema of the revision.
 */
export function eachWay(name: string, run: (cell: Cell) => Promise<void>, options: MatrixOptions = {}): void {
  const { transports = TRANSPORTS, revisions = REVISIONS } = options
  const cells = transports.flatMap(transport => revisions.map(revision => [transport, revision] as const))
  describe(name, () => {
    it.each(cells)('over %s, %s', async (transport, revision) => {
      const errors: Cell['errors'] = []
      const server = createServer({
        name: 'matrix',
        version: '1.0.0',
        ...options.server,
        onError: (error, origin) => errors.push({ error, origin }),
      })
      const checks: WireCheck[] = []
      const endings: (() => Promise<void>)[] = []
      try {
        await run({
          revision,
          features: REVISION_FEATURES[revision],
          transport,
          server,
          errors,
          open: async (clientOptions = {}) => {
            const check = createWireCheck(revision)
            checks.push(check)
            const opened = await open(transport, server, check, { revision, ...clientOptions })
            endings.push(opened.end)
            return opened.client
          },
          wire: () => checks.flatMap(({ messages }) => messages),
        })
      } finally {
        for (const end of endings) await end()
        await server.close()
      }
      expect(checks.flatMap(check => check.problems())).toEqual([])
    })
  })
}

interface Opened {
  readonly client: Client
  end(): Promise<void>
}

async function open(
  kind: Cell['transport'],
  server: Server,
  check: WireCheck,
  options: ClientOptions,
): Promise<Opened> {
  if (kind === 'http') {
    const running = await serve(server)
    const client = await connect(running.url, { ...options, fetch: recordingFetch(check) })
    const end = async (): Promise<void> => {
      await client.close()
      await running.close()
    }
    return { client, end }
  }
  const [clientSide, close] = kind === 'memory' ? await memoryWay(server) : await stdioWay(server)
  const client = await openClient(toClientTransport(recording(clientSide, check)), options)
  const end = async (): Promise<void> => {
    await client.close()
    await close()
  }
  return { client, end }
}

async function memoryWay(server: Server): Promise<[Transport, () => Promise<void>]> {
  const [clientSide, serverSide] = createTransportPair()
  const connection = await serveConnection(server, serverSide)
  return [clientSide, () => connection.close()]
}

/** The streams of a process, without one. */
async function stdioWay(server: Server): Promise<[Transport, () => Promise<void>]> {
  const input = new PassThrough()
  const output = new PassThrough()
  const connection = await serveStdio(server, { input, output })
  return [streamTransport(output, input), () => connection.close()]
}

/** A client's side of two streams. */
export function streamTransport(input: PassThrough, output: PassThrough): Transport {
  return {
    open: async receiver => {
      const onNoise = (line: string): void => receiver.error(new Error(`The server wrote ${line}`))
      const framing = createLineFraming({ maxLineBytes: 2 ** 24, onMessage: value => receiver.message(value), onNoise })
      input.on('data', (chunk: Uint8Array) => framing.push(chunk))
      input.on('end', () => receiver.closed())
    },
    send: async message => void output.write(`${JSON.stringify(message)}\n`),
    close: async () => void output.end(),
  }
}

function toClientTransport(transport: Transport): ClientTransport {
  return { ...transport, useFamily: () => undefined, sessionId: undefined, exchangePerRequest: false }
}

function recording(transport: Transport, check: WireCheck): Transport {
  return {
    ...transport,
    open: (receiver: TransportReceiver) =>
      transport.open({
        ...receiver,
        message: value => {
          check.received(value)
          receiver.message(value)
        },
      }),
    send: (message, options) => {
      check.sent(message)
      return transport.send(message, options)
    },
  }
}

function recordingFetch(check: WireCheck): typeof fetch {
  return async (input, init) => {
    if (typeof init?.body === 'string') check.sent(JSON.parse(init.body))
    const response = await fetch(input, init)
    const recorder = recorderOf(response.headers.get('content-type') ?? '', check)
    return response.body ? new Response(response.body.pipeThrough(recorder), response) : response
  }
}

/** Lets everything through, and hands what it carries to the check. */
function recorderOf(type: string, check: WireCheck): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder()
  let text = ''
  return new TransformStream({
    transform: (chunk, controller) => {
      controller.enqueue(chunk)
      text += decoder.decode(chunk, { stream: true })
      if (!type.startsWith('text/event-stream')) return
      const events = text.split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) {
        const data = event.split('\n').flatMap(line => (line.startsWith('data: ') ? [line.slice(6)] : []))
        if (data.join('') !== '') check.received(JSON.parse(data.join('\n')))
      }
    },
    flush: () => {
      if (type.startsWith('application/json') && text !== '') check.received(JSON.parse(text))
    },
  })
}
