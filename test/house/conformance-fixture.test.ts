import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const fixture = readFileSync('conformance/client.mjs', 'utf8')
// Without comments, and without the names of scenarios, which say what they are about.
const code = fixture.replaceAll(/\/\*\*[\s\S]*?\*\/|\/\/.*$/gm, '').replaceAll(/'auth\/[\w-]+'/g, "''")

const table = JSON.parse(readFileSync('conformance/minimum-checks.json', 'utf8')) as {
  client: Record<string, Record<string, number>>
}

describe('the conformance fixture', () => {
  it('has less than 200 lines', () => {
    expect(fixture.split('\n').length).toBeLessThan(200)
  })

  it('imports the public API and nothing else', () => {
    const imported = [...code.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(match => match[1])
    expect(imported.length).toBeGreaterThan(0)
    expect(imported.filter(name => !/^latchkey\/[a-z-]+$/.test(name ?? ''))).toEqual([])
  })

  it.each([
    [
      'requests of its own to a token, registration or metadata endpoint',
      /\/(?:token|register|reg|authorize|\.well-known)\b/,
    ],
    [
      'grant parameters',
      /code_verifier|code_challenge|grant_type|redirect_uri|client_assertion|refresh_token|response_type/,
    ],
    ['credentials on the wire', /authorization['"]?\s*:|bearer|dpop/i],
    ['challenges', /www-authenticate|resource_metadata|insufficient_scope/i],
    [
      'protocol headers and messages',
      /mcp-(?:session|protocol|method|name|param)|last-event-id|jsonrpc|_meta\b|requestState/i,
    ],
    ['status codes', /\.status\b|\b40[0-9]\b/],
    ['retries', /\bwhile\b|\bcatch\b|(?<!sse-)retry|attempt|setTimeout|setInterval/i],
  ])('contains no %s', (_what, pattern) => {
    expect(code.match(pattern)?.[0]).toBeUndefined()
  })

  it('fetches nothing but the page that the person is sent to', () => {
    expect([...code.matchAll(/\bfetch\(([^)]*)\)/g)].map(match => match[1])).toEqual(["url, { redirect: 'manual' }"])
  })
})

describe('the list beside it', () => {
  it('every passing scenario has at least one check, so that none passes vacuously', () => {
    expect(Object.values(table.client).flatMap(Object.values)).not.toContain(0)
  })
})
