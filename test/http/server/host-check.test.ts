import { describe, expect, it } from 'vitest'
import { createHostCheck, type HostCheckOptions } from '../../../src/http/server/host-check.ts'
import { openRaw, send, startWorld, callTool, createTestGuard } from './http-world.ts'

describe('the names by which a server on a loopback address is reached', () => {
  it.each([
    'localhost',
    'localhost:3000',
    'LOCALHOST:1',
    'localhost.',
    'localhost.:80',
    'app.localhost',
    '127.0.0.1',
    '127.0.0.1:65535',
    '127.8.9.10:1',
    '[::1]',
    '[::1]:8080',
  ])('takes %s', host => {
    expect(refusal({ host })).toBeUndefined()
  })

  it.each([
    'evil.example',
    'evil.example:3000',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil-localhost',
    'localhost@evil.example',
    '0.0.0.0',
    '[::]',
    '192.168.1.4',
    '169.254.169.254',
    '127.0.0.1,evil.example',
    '[::ffff:127.0.0.1]',
    '::1',
    '',
    undefined,
  ])('refuses %s (DNS rebinding)', host => {
    expect(refusal({ host })).toMatch(/is not a name of this server: add it to allowedHosts/)
  })

  it('takes names that are allowed, with any port where none is named', () => {
    const options = { allowedHosts: ['API.example.com', 'other.example.com:8443'] }
    expect(refusal({ host: 'api.example.com:9' }, options)).toBeUndefined()
    expect(refusal({ host: 'other.example.com:8443' }, options)).toBeUndefined()
    expect(refusal({ host: 'other.example.com:1' }, options)).toBeDefined()
    expect(refusal({ host: 'third.example.com' }, options)).toBeDefined()
    expect(refusal({ host: 'localhost' }, options)).toBeUndefined()
  })

  it('refuses other names than the allowed ones on every address', () => {
    const options = { allowedHosts: ['api.example.com'] }
    expect(refusal({ host: 'evil.example' }, options, false)).toBeDefined()
    expect(refusal({ host: 'evil.example' }, options, 'unknown')).toBeDefined()
    expect(refusal({ host: 'api.example.com' }, options, false)).toBeUndefined()
    expect(refusal({ host: '10.1.2.3' }, {}, false)).toBeUndefined()
  })

  it('takes names that are known otherwise, without refusing others', () => {
    const check = createHostCheck({}, ['api.example.com'])
    expect(check(requestWith({ host: 'api.example.com' }, true))).toBeUndefined()
    expect(check(requestWith({ host: 'evil.example' }, true))).toBeDefined()
    expect(check(requestWith({ host: '10.1.2.3' }, false))).toBeUndefined()
  })

  it('takes every name when the check is turned off', () => {
    expect(refusal({ host: 'evil.example' }, { allowedHosts: '*' })).toBeUndefined()
  })
})

describe('the origins of pages', () => {
  it.each([
    'http://localhost',
    'http://localhost:5173',
    'https://127.0.0.1:1',
    'http://[::1]:3',
    'http://APP.localhost',
  ])('takes %s', origin => {
    expect(refusal({ host: 'localhost', origin })).toBeUndefined()
  })

  it.each([
    'https://evil.example',
    'null',
    'http://localhost.evil.example',
    'http://localhost:1/',
    'file://',
    'http://localhost@evil.example',
    '',
  ])('refuses %s (MCP 2026-07-28, Streamable HTTP, Security)', origin => {
    expect(refusal({ host: 'localhost', origin })).toMatch(/may not call this server: add it to allowedOrigins/)
    expect(refusal({ host: 'api.example.com', origin }, {}, false)).toBeDefined()
  })

  it('takes what is allowed, and nothing like it', () => {
    const options = { allowedOrigins: ['https://App.example.com'] }
    expect(refusal({ host: 'localhost', origin: 'https://app.example.com' }, options)).toBeUndefined()
    for (const origin of [
      'http://app.example.com',
      'https://app.example.com:444',
      'https://app.example.com.evil.example',
    ])
      expect(refusal({ host: 'localhost', origin }, options)).toBeDefined()
    expect(refusal({ host: 'localhost', origin: 'null' }, { allowedOrigins: '*' })).toBeUndefined()
  })

  it('names neither host nor origin beyond a length, nor with control characters', () => {
    const said = refusal({ host: 'x'.repeat(5000) }) ?? ''
    expect(said.length).toBeLessThan(400)
  })
})

describe('over a real connection', () => {
  it('refuses a GET with the name of another, though it has no Origin', async () => {
    const world = await startWorld()
    const reply = await send(world, { method: 'GET', headers: { host: 'evil.example' } })
    expect(reply.status).toBe(403)
    expect(await reply.json()).toMatchObject({ jsonrpc: '2.0', error: { code: -32600 } })
  })

  it('refuses before the token is looked at, and without CORS headers', async () => {
    const authenticate = (): never => {
      throw new Error('asked')
    }
    const world = await startWorld(undefined, { guard: createTestGuard({ authenticate }) })
    for (const headers of [{ host: 'evil.example' }, { origin: 'https://evil.example' }]) {
      const reply = await callTool(world, 'echo', {}, { headers })
      expect(reply.status).toBe(403)
      expect(reply.headers['access-control-allow-origin']).toBeUndefined()
    }
    expect(world.errors).toEqual([])
  })

  it('refuses a request without any Host', async () => {
    const world = await startWorld()
    const raw = openRaw(world)
    raw.socket.write('GET /mcp HTTP/1.0\r\n\r\n')
    await raw.closed
    expect(raw.received()).toMatch(/^HTTP\/1\.1 403 /)
  })
})

function refusal(
  headers: Readonly<Record<string, string | undefined>>,
  options: HostCheckOptions = {},
  isLoopback: boolean | 'unknown' = true,
): string | undefined {
  return createHostCheck(options)(requestWith(headers, isLoopback === 'unknown' ? undefined : isLoopback))
}

function requestWith(headers: Readonly<Record<string, string | undefined>>, isLoopback: boolean | undefined): any {
  return { method: 'POST', target: '/', header: (name: string) => headers[name], isLoopback }
}
