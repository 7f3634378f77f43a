import { type ClientOptions, openClient } from '../client/open-client.ts'
import type { Client } from '../client/client.ts'
import type { ClientTransport } from '../client/transport.ts'
import type { Transport, TransportReceiver } from '../jsonrpc/transport.ts'
import type { AuthInfo } from '../server/auth-info.ts'
import { serveConnection } from '../server/connection.ts'
import type { Server } from '../server/server.ts'

/** How a client is connected in memory. */
export interface InMemoryOptions extends ClientOptions {
  /**
   * What `ctx.auth` of handlers is to say; what is left out is made up. Scopes are not enforced: for that, give requests to the `fetch` of what `protect`
   * makes. Default: `ctx.auth` is undefined, as without `protect`.
   */
  readonly auth?: Partial<AuthInfo>
}

/** Two subjects are two principals, so that tests see what is kept apart. */
function authOf(auth: Partial<AuthInfo>): AuthInfo {
  return { principal: auth.subject ?? 'somebody', scopes: [], claims: {}, token: 'in-memory', ...auth }
}

/**
 * Connects a client to a server in the same process: no port, no child process, every message through JSON as on a wire. Closing the client ends the
 * connection; the server is yours to close.
 */
export async function connectInMemory(server: Server, options: InMemoryOptions = {}): Promise<Client> {
  const { auth, ...clientOptions } = options
  const [clientSide, serverSide] = createTransportPair()
  const connection = await serveConnection(server, serverSide, auth ? { auth: authOf(auth) } : {})
  const transport: ClientTransport = {
    ...clientSide,
    useFamily: () => undefined,
    sessionId: undefined,
    exchangePerRequest: false,
    close: async () => {
      await clientSide.close()
      await connection.close()
    },
  }
  return openClient(transport, clientOptions)
}

/** Two transports, each the other side of the other. What was sent before one side closes still arrives. */
export function createTransportPair(): readonly [Transport, Transport] {
  const receivers: (TransportReceiver | undefined)[] = [undefined, undefined]
  const isClosed = [false, false]
  const side = (own: 0 | 1): Transport => ({
    open: async receiver => {
      receivers[own] = receiver
    },
    send: async message => {
      const json = JSON.stringify(message)
      if (isClosed[own]) return
      // Never within the sender's own turn, as on a wire.
      queueMicrotask(() => {
        if (!isClosed[1 - own]) receivers[1 - own]?.message(JSON.parse(json))
      })
    },
    close: async () => {
      if (isClosed[own]) return
      isClosed[own] = true
      queueMicrotask(() => {
        if (isClosed[1 - own]) return
        isClosed[1 - own] = true
        receivers[1 - own]?.closed()
      })
    },
  })
  return [side(0), side(1)]
}
