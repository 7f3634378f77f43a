import {
  createServer,
  type IncomingMessage,
  request,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Recorder } from './leg.ts'

/** A server on a loopback port. */
export interface RunningServer {
  /** Origin, without a slash at the end. */
  readonly url: string
  close(): Promise<void>
}

/** More than this of a body is passed on but not recorded. */
const RECORDED_BYTES = 256 * 1024

/**
 * Listens on a loopback port and passes every request to a handler behind it, recording both directions. The handler sees the same
 * `Host`, so nothing in it needs to know.
 *
 * @param createHandler is given the origin that clients use, which is known only once the port is.
 */
export async function listenRecorded(
  name: string,
  createHandler: (url: string) => RequestListener | Promise<RequestListener>,
  options: { port?: number; record?: Recorder } = {},
): Promise<RunningServer> {
  const front = createServer()
  const url = await listen(front, options.port ?? 0)
  const back = createServer(await createHandler(url))
  const backUrl = await listen(back, 0)
  front.on('request', (incoming, outgoing) => void pass(name, url, backUrl, incoming, outgoing, options.record))
  return {
    url,
    close: async () => {
      await Promise.all([close(front), close(back)])
    },
  }
}

async function listen(server: Server, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const { port: bound } = server.address() as AddressInfo
  return `http://127.0.0.1:${bound}`
}

async function close(server: Server): Promise<void> {
  await new Promise<void>(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

async function pass(
  server: string,
  url: string,
  backUrl: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  record: Recorder | undefined,
): Promise<void> {
  try {
    const sent: Buffer[] = []
    for await (const chunk of incoming as AsyncIterable<Buffer>) sent.push(chunk)
    const requestBody = Buffer.concat(sent)
    const forwarded = request(backUrl + (incoming.url ?? '/'), { method: incoming.method, headers: incoming.headers })
    outgoing.on('close', () => forwarded.destroy())
    forwarded.on('error', () => outgoing.destroy())
    forwarded.on('response', response => {
      const status = response.statusCode ?? 502
      const received: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size <= RECORDED_BYTES) received.push(chunk)
      })
      response.on('end', () =>
        record?.({
          server,
          method: incoming.method ?? 'GET',
          url: new URL(incoming.url ?? '/', url),
          requestHeaders: toHeaders(incoming),
          requestBody: requestBody.toString(),
          status,
          responseHeaders: toHeaders(response),
          responseBody: Buffer.concat(received).toString(),
        }),
      )
      outgoing.writeHead(status, response.headers)
      response.pipe(outgoing)
    })
    forwarded.end(requestBody)
  } catch {
    outgoing.destroy()
  }
}

function toHeaders(message: IncomingMessage): Headers {
  const headers = new Headers()
  for (let index = 0; index + 1 < message.rawHeaders.length; index += 2) {
    headers.append(message.rawHeaders[index] ?? '', message.rawHeaders[index + 1] ?? '')
  }
  return headers
}
