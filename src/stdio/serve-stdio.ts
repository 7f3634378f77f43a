import type { Readable, Writable } from 'node:stream'
import process from 'node:process'
import { TransportError } from '../jsonrpc/errors.ts'
import type { JsonRpcMessage } from '../jsonrpc/message.ts'
import type { Transport, TransportReceiver } from '../jsonrpc/transport.ts'
import { serveConnection, type ServerConnection } from '../server/connection.ts'
import { assertOptions, type OptionNames } from '../server/given-options.ts'
import type { Server } from '../server/server.ts'
import { createLineFraming } from './line-framing.ts'

/** How a server is served over stdio. */
export interface ServeStdioOptions {
  /** Default `process.stdin`. */
  readonly input?: Readable
  /** Default `process.stdout`: nothing else may write to it. */
  readonly output?: Writable
  /** Bytes that one message may hold. Default 4 MiB. */
  readonly maxMessageBytes?: number
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number
}

const OPTIONS: OptionNames<ServeStdioOptions> = { input: true, output: true, maxMessageBytes: true, now: true }
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024
/** Bytes that may wait for a client that does not read; then it is taken for gone. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024

/**
 * Serves a server over stdin and stdout, to the program that started this one: every revision, with a handshake or without. When the client goes,
 * the server is closed and the process can end. Log to stderr only.
 *
 * @throws {TypeError} an option that does not exist
 * @see MCP 2026-07-28, stdio
 */
export async function serveStdio(server: Server, options: ServeStdioOptions = {}): Promise<ServerConnection> {
  assertOptions('serveStdio', options, OPTIONS)
  const { input = process.stdin, output = process.stdout, maxMessageBytes = MAX_MESSAGE_BYTES, now } = options
  const transport = createStreamTransport(input, output, maxMessageBytes)
  const connection = await serveConnection(server, transport, now ? { now } : {})
  void connection.closed.then(() => server.close())
  return connection
}

/** Undefined for what is no JSON. */
function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** Messages over two streams, one a line. */
function createStreamTransport(input: Readable, output: Writable, maxLineBytes: number): Transport {
  let receiver: TransportReceiver | undefined
  let isClosed = false

  const write = (message: JsonRpcMessage): void => {
    if (isClosed) return
    output.write(`${JSON.stringify(message)}\n`)
    if (output.writableLength > MAX_WAITING_BYTES)
      end(new TransportError('closed', `The client leaves more than ${MAX_WAITING_BYTES} bytes unread`))
  }
  const framing = createLineFraming({
    maxLineBytes,
    onMessage: value => receiver?.message(value),
    // The client is told what is wrong with it.
    onNoise: line => receiver?.message(parse(line)),
  })
  const onData = (chunk: Uint8Array): void => {
    try {
      framing.push(chunk)
    } catch (error) {
      end(error)
    }
  }
  const onEnd = (): void => {
    framing.end()
    end(undefined)
  }
  // A client that is gone makes writing fail, which is no reason for the process to.
  const onError = (error: unknown): void => end(error)
  const end = (error: unknown): void => {
    if (isClosed) return
    isClosed = true
    input.off('data', onData)
    input.off('end', onEnd)
    input.off('close', onEnd)
    // Reading would keep the process alive.
    input.pause()
    receiver?.closed(error)
  }

  return {
    open: async given => {
      receiver = given
      input.on('data', onData)
      input.on('end', onEnd)
      // A stream that is destroyed does not end.
      input.on('close', onEnd)
      input.on('error', onError)
      output.on('error', onError)
    },
    send: async message => write(message),
    close: async () => end(undefined),
  }
}
