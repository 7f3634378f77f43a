import type { JsonRpcMessage } from '../../src/jsonrpc/message.ts'
import type { SendOptions, Transport, TransportReceiver } from '../../src/jsonrpc/transport.ts'

export interface MemoryTransport extends Transport {
  /** Everything that was sent. */
  readonly sent: any[]
  readonly signals: (AbortSignal | undefined)[]
  /** Delivers a value as if the other side had sent it. */
  receive(value: unknown): void
  end(error?: unknown): void
  readonly isClosed: boolean
  /** What `send` does besides recording. */
  onSend: (message: JsonRpcMessage, options?: SendOptions) => Promise<void> | void
}

/** A transport whose other side is the test. */
export function createMemoryTransport(): MemoryTransport {
  const sent: any[] = []
  const signals: (AbortSignal | undefined)[] = []
  let receiver: TransportReceiver | undefined
  let isClosed = false
  const transport: MemoryTransport = {
    sent,
    signals,
    onSend: () => undefined,
    get isClosed() {
      return isClosed
    },
    open: async given => {
      receiver = given
    },
    send: async (message, options) => {
      sent.push(message)
      signals.push(options?.signal)
      await transport.onSend(message, options)
    },
    close: async () => {
      isClosed = true
    },
    receive: value => receiver?.message(value),
    end: error => receiver?.closed(error),
  }
  return transport
}
