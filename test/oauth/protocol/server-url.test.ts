import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isWithinServer, normalizeServerUrl } from '../../../src/oauth/protocol/server-url.ts'

describe('normalizeServerUrl', () => {
  it.each([
    ['https://h.example', 'https://h.example'],
    ['https://h.example/', 'https://h.example/'],
    ['HTTPS://H.Example:443/MCP', 'https://h.example/MCP'],
    ['http://localhost:80', 'http://localhost'],
    ['https://h.example?a=b', 'https://h.example?a=b'],
    ['https://h.example/?a=b', 'https://h.example/?a=b'],
    ['https://h.example/mcp#', 'https://h.example/mcp'],
    ['https://h.example#/x', 'https://h.example'],
    ['  https://h.example  ', 'https://h.example'],
    ['https://[::1]:8080', 'https://[::1]:8080'],
    ['https://h.example/mcp/', 'https://h.example/mcp/'],
  ])('R-PRM-3 %j becomes %j: no slash that was not written', (typed, normalized) => {
    expect(normalizeServerUrl(typed)).toBe(normalized)
  })

  it('R-PRM-3 the lone slash of a URL object is dropped, since nobody can tell who wrote it', () => {
    expect(normalizeServerUrl(new URL('https://h.example'))).toBe('https://h.example')
    expect(normalizeServerUrl(new URL('https://h.example/mcp'))).toBe('https://h.example/mcp')
  })

  it.each(['ftp://h', 'javascript:alert(1)', 'h.example', '', 'file:///x', 'https://u:secret@h', 'https://secret@h'])(
    'refuses %j and shows no secret of it',
    typed => {
      const attempt = (): string => normalizeServerUrl(typed)
      expect(attempt).toThrow(expect.objectContaining({ code: 'configuration' }))
      expect(attempt).not.toThrow(/secret/u)
    },
  )

  it('is idempotent, so that a key read from a store names the same record', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), url => {
        const once = normalizeServerUrl(url)
        expect(normalizeServerUrl(once)).toBe(once)
      }),
    )
  })
})

const within = (url: string, server: string): boolean => isWithinServer(new URL(url), server)

describe('isWithinServer', () => {
  it.each([
    ['https://h/mcp', 'https://h/mcp'],
    ['https://h/mcp/', 'https://h/mcp'],
    ['https://h/mcp', 'https://h/mcp/'],
    ['https://h/mcp/sub?x#y', 'https://h/mcp'],
    ['https://h:443/mcp', 'https://H/mcp?key=1'],
    ['https://h/anything', 'https://h'],
    ['http://127.0.0.1:9/mcp', 'http://127.0.0.1:9/mcp'],
    ['https://h/mcp/files%2Freadme', 'https://h/mcp'],
    ['https://h/mcp/files;version=1..2/...', 'https://h/mcp'],
  ])('R-FETCH-1 %s is within %s', (url, server) => {
    expect(within(url, server)).toBe(true)
  })

  it.each([
    ['https://h/mcpx', 'https://h/mcp'],
    ['https://h/', 'https://h/mcp'],
    ['https://h/MCP', 'https://h/mcp'],
    ['https://h:8443/mcp', 'https://h/mcp'],
    ['http://h/mcp', 'https://h/mcp'],
    ['https://h.evil/mcp', 'https://h/mcp'],
    ['https://h@evil/mcp', 'https://h/mcp'],
    ['https://u:p@h/mcp', 'https://h/mcp'],
    ['https://h/mcp/../other', 'https://h/mcp'],
    ['https://h/mcp/%2e%2e/other', 'https://h/mcp'],
    ['https://h/mcp/..%2fother', 'https://h/mcp'],
    ['https://h/mcp/%2e%2e%2fother', 'https://h/mcp'],
    ['https://h/mcp/..%5cother', 'https://h/mcp'],
    ['https://h/mcp/%252e%252e%252fother', 'https://h/mcp'],
    ['https://h/mcp/..;/other', 'https://h/mcp'],
    ['https://h/mcp/..;x=y/other', 'https://h/mcp'],
    ['https://h/mcp/%2e%2e%3b/other', 'https://h/mcp'],
    ['https://h/mcp\\..\\other', 'https://h/mcp'],
    ['https://h//mcp', 'https://h/mcp'],
    ['http://h/mcp', 'http://h/mcp'],
    ['https://h/mcp', 'nonsense'],
  ])('R-FETCH-1 %s is not within %s', (url, server) => {
    expect(within(url, server)).toBe(false)
  })
})
