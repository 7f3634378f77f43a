import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createFetch, hasProxy } from '../../cli/src/proxy-fetch.ts'

const servers: Server[] = []
afterEach(() => {
  vi.unstubAllEnvs()
  for (const server of servers.splice(0)) server.close()
})

async function listening(server: Server): Promise<string> {
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('field P1: one fetch for every leg honours the proxy of the environment', () => {
  it('is the global fetch without a proxy', async () => {
    expect(await createFetch({})).toBe(globalThis.fetch)
    expect(hasProxy({ HTTPS_PROXY: '' })).toBe(false)
  })

  it('sends http requests through HTTP_PROXY as absolute requests, and follows NO_PROXY', async () => {
    const seen: string[] = []
    const proxy = await listening(
      createServer((request, response) => {
        seen.push(`${request.method} ${request.url}`)
        response.end('from the proxy')
      }),
    )
    const direct = await listening(createServer((_request, response) => response.end('direct')))
    vi.stubEnv('http_proxy', proxy)
    vi.stubEnv('no_proxy', new URL(direct).host)
    const fetch = await createFetch(process.env)
    expect(await (await fetch('http://mcp.test/mcp', { method: 'POST', body: 'x' })).text()).toBe('from the proxy')
    expect(await (await fetch(direct)).text()).toBe('direct')
    expect(seen).toEqual(['POST http://mcp.test/mcp'])
  })

  it('tunnels https requests with CONNECT', async () => {
    const seen: string[] = []
    const server = createServer()
    server.on('connect', (request, socket) => {
      seen.push(`${request.method} ${request.url}`)
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    })
    vi.stubEnv('https_proxy', await listening(server))
    const fetch = await createFetch(process.env)
    await expect(fetch('https://mcp.test/mcp')).rejects.toThrow()
    expect(seen).toEqual(['CONNECT mcp.test:443'])
  })
})
