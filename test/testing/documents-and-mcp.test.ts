import { describe, expect, it } from 'vitest'
import { createRawClient } from './raw-client.ts'

const challengeOf = (response: Response): string | null => response.headers.get('www-authenticate')

const get = async (raw: ReturnType<typeof createRawClient>, url: string) => {
  const response = await raw.server.fetch(url)
  const text = await response.text()
  return response.headers.get('content-type')?.includes('json') && response.ok
    ? JSON.parse(text)
    : `${response.status} ${text}`
}

describe('the well-known documents', () => {
  it('publishes resource metadata where the challenge says, and nowhere else', async () => {
    const raw = createRawClient()
    const at = ['oauth-protected-resource/mcp', 'oauth-protected-resource'].map(
      name => `https://mcp.example/.well-known/${name}`,
    )
    expect(challengeOf(await raw.callTool(undefined, 'echo'))).toBe(`Bearer resource_metadata="${at[0]}"`)
    expect(await get(raw, at[0]!)).toMatchObject({ resource: raw.mcpUrl, authorization_servers: [raw.issuer] })
    expect(await get(raw, at[1]!)).toMatch('404')
    raw.server.set({ resourceMetadataAt: 'root', unknownPages: 'html' })
    expect(await get(raw, at[0]!)).toMatch('200 <!doctype html>')
    expect(await get(raw, at[1]!)).toMatchObject({ resource: raw.mcpUrl })
    raw.server.set({ resourceMetadataAt: 'named' })
    const named =
      /resource_metadata="([^"]+)"/.exec(challengeOf(await raw.callTool(undefined, 'echo')) ?? '')?.[1] ?? ''
    expect(await get(raw, named)).toMatchObject({ resource: raw.mcpUrl })
  })

  it('publishes server metadata under the names it is told, for an issuer with a path', async () => {
    const issuer = 'https://auth.example/realms/one'
    const raw = createRawClient({ issuers: [issuer], serverMetadataAt: ['oidc-append'], pkceAdvertised: 'oidc-only' })
    expect(await get(raw, 'https://auth.example/.well-known/oauth-authorization-server/realms/one')).toMatch('404')
    expect(await get(raw, 'https://auth.example/.well-known/openid-configuration/realms/one')).toMatch('404')
    const document = await get(raw, `${issuer}/.well-known/openid-configuration`)
    expect(document).toMatchObject({
      issuer,
      token_endpoint: `${issuer}/token`,
      code_challenge_methods_supported: ['S256'],
    })
    raw.server.set({ serverMetadataAt: ['oauth'], metadataIssuer: 'other-slash' })
    const other = await get(raw, 'https://auth.example/.well-known/oauth-authorization-server/realms/one')
    expect(other.issuer).toBe(`${issuer}/`)
    expect(other).not.toHaveProperty('code_challenge_methods_supported')
  })
})

describe('the MCP endpoint', () => {
  it('answers in both revision families', async () => {
    const raw = createRawClient()
    const { tokens } = await raw.login()
    const ask = async (method: string, params: Record<string, unknown>) =>
      (await raw.call(tokens.access_token, method, params)).json()
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }
    expect(await ask('initialize', { protocolVersion: '2025-06-18' })).toMatchObject({
      result: { protocolVersion: '2025-06-18' },
    })
    expect(await ask('initialize', { protocolVersion: '1999-01-01' })).toMatchObject({
      result: { protocolVersion: '2025-11-25' },
    })
    expect(await ask('server/discover', { _meta })).toMatchObject({
      result: { resultType: 'complete', supportedVersions: expect.arrayContaining(['2026-07-28']) },
    })
    expect(await ask('tools/list', {})).toMatchObject({
      result: { tools: expect.arrayContaining([{ name: 'echo', inputSchema: { type: 'object' } }]) },
    })
    expect(await ask('tools/call', { _meta, name: 'whoami' })).toMatchObject({
      result: { resultType: 'complete', content: [{ text: 'alice' }] },
    })
    expect(await ask('tools/call', { name: 'absent' })).toMatchObject({ error: { code: -32602 } })
    expect(await ask('prompts/list', {})).toMatchObject({ error: { code: -32601 } })
  })

  it('an old server does not know the stateless family', async () => {
    const raw = createRawClient({ protection: 'nothing', revisions: ['2025-06-18'] })
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }
    expect((await raw.call(undefined, 'server/discover', { _meta })).status).toBe(400)
  })

  it('asks for the scope of a tool, once it is missing', async () => {
    const raw = createRawClient()
    const { tokens } = await raw.login()
    expect((await raw.callTool(tokens.access_token, 'read')).status).toBe(200)
    const response = await raw.callTool(tokens.access_token, 'write')
    expect(response.status).toBe(403)
    expect(challengeOf(response)).toMatch(
      /^Bearer error="insufficient_scope", .*scope="files:write", resource_metadata=/,
    )
    raw.server.set({ insufficientScope: 'challenge-always' })
    expect((await raw.callTool(tokens.access_token, 'read')).status).toBe(403)
    raw.server.set({ insufficientScope: 'plain-403' })
    expect(challengeOf(await raw.callTool(tokens.access_token, 'write'))).toBeNull()
  })

  it('rejects tokens that are unknown, or meant for another resource', async () => {
    const raw = createRawClient()
    const { tokens } = await raw.login()
    expect((await raw.callTool('made-up', 'echo')).status).toBe(401)
    expect(challengeOf(await raw.callTool('made-up', 'echo'))).toMatch('error="invalid_token"')
    raw.server.set({ resource: 'https://mcp.example' })
    expect((await raw.callTool(tokens.access_token, 'echo')).status).toBe(401)
  })

  it('tells the absence of a token in each way it is told', async () => {
    const raw = createRawClient({ challenge: 'none' })
    expect(challengeOf(await raw.callTool(undefined, 'echo'))).toBeNull()
    raw.server.set({ challenge: 'behind-basic', challengeScope: 'a b' })
    expect(challengeOf(await raw.callTool(undefined, 'echo'))).toMatch(
      /^Basic realm="[^"]*", Bearer scope="a b", resource_metadata=/,
    )
    raw.server.set({ unauthenticated: '302' })
    expect((await raw.callTool(undefined, 'echo')).headers.get('location')).toBe('https://login.example/sign-in')
    raw.server.set({ unauthenticated: '403' })
    expect((await raw.callTool(undefined, 'echo')).status).toBe(403)
    raw.server.behave()
    raw.server.set({ protection: 'tool-calls' })
    expect((await raw.call(undefined, 'tools/list')).status).toBe(200)
    expect((await raw.callTool(undefined, 'echo')).status).toBe(401)
  })
})
