import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const read = (files: readonly string[]) => files.map(file => readFileSync(file, 'utf8'))
// Without comments, and without the names of scenarios, which say what they are about; a pause is not a retry.
const codeOf = (sources: readonly string[]) =>
  sources
    .join('\n')
    .replaceAll(/\/\*\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '')
    .replaceAll(/'auth\/[\w-]+'/g, "''")
    .replaceAll("{ setTimeout as wait } from 'node:timers/promises'", "from 'node:timers/promises'")

const client = read(['conformance/client.mjs'])
const parts = readdirSync('conformance/server').filter(file => file.endsWith('.mjs'))
const server = read(['conformance/server.mjs', ...parts.map(file => `conformance/server/${file}`)])

const table = JSON.parse(readFileSync('conformance/minimum-checks.json', 'utf8')) as Record<
  string,
  Record<string, Record<string, number>>
>

const forbidden: readonly [string, RegExp][] = [
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
  [
    'methods, results and identifiers of the protocol',
    /\b(?:tools|prompts|resources|notifications|tasks|elicitation|sampling|roots|completion|server)\/[a-z]+['"`]|resultType|\binput(?:Requests|Responses)\b|taskId|io\.modelcontextprotocol/,
  ],
  ['status and error codes', /\.status\b|\b40[0-9]\b|-32\d{3}/],
  ['retries', /\bwhile\b|\bcatch\b|(?<!sse-)retry(?!AfterMs)|attempt|setTimeout|setInterval/i],
]

describe.each([
  ['client', client, 200, /^latchkey\/[a-z-]+$/],
  ['server', server, 500, /^(?:latchkey\/[a-z-]+|node:timers\/promises|\.\/[\w./-]+\.mjs)$/],
])("the conformance suite's %s", (_side, sources, lines, allowedImports) => {
  const code = codeOf(sources)

  it(`has less than ${lines} lines`, () => {
    expect(sources.join('\n').split('\n').length).toBeLessThan(lines)
  })

  it('imports the public API and nothing else but its own files and timers', () => {
    const imported = [...code.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(match => match[1])
    expect(imported.some(name => name?.startsWith('latchkey/'))).toBe(true)
    expect(imported.filter(name => !allowedImports.test(name ?? ''))).toEqual([])
  })

  it.each(forbidden)('contains no %s', (_what, pattern) => {
    expect(code.match(pattern)?.[0]).toBeUndefined()
  })
})

describe('the requests that the fixtures make themselves', () => {
  const fetched = (sources: readonly string[]) =>
    [...codeOf(sources).matchAll(/\bfetch\(([^)]*)\)/g)].map(match => match[1])

  it('the client fetches nothing but the page that the person is sent to', () => {
    expect(fetched(client)).toEqual(["url, { redirect: 'manual' }"])
  })

  it('the server fetches nothing', () => {
    expect(fetched(server)).toEqual([])
  })
})

describe('the list beside them', () => {
  it.each(Object.keys(table))('has counts of the %s for everything that is there, and for each revision', side => {
    expect(Object.keys(table[side] ?? {})).toEqual(['all', '2025-11-25', '2026-07-28'])
  })

  it('every passing scenario has at least one check, so that none passes vacuously', () => {
    expect(Object.values(table).flatMap(Object.values).flatMap(Object.values)).not.toContain(0)
  })
})
