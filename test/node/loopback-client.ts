import { request } from 'node:http'
import { connect } from 'node:net'

export interface Page {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Where to connect, when it is not where `url` says. */
  readonly address?: string
}

/** Loads a page as a browser would, but with whatever headers a test wants. */
export function load(url: string, { method = 'GET', headers = {}, address }: Asked = {}): Promise<Page> {
  const { hostname, port, pathname, search } = new URL(url)
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: address ?? hostname, port, method, path: pathname + search, headers, agent: false },
      response => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (body += chunk))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
        response.on('error', reject)
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}

/** Sends bytes and resolves with everything that comes back until the connection ends. */
export function sendRaw(port: number, bytes: string): Promise<string> {
  return new Promise(resolve => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => (received += chunk))
    // A refused client may be cut off while it still writes.
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(received))
  })
}
