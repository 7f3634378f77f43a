import { describe, expect, it } from 'vitest'
import { createRawClient, REDIRECT_URI, VERIFIER } from './raw-client.ts'

const errorOf = async (response: Response): Promise<unknown> => [response.status, (await response.json()).error]

describe('the checks of the authorization endpoint', () => {
  it('approves a proper request with code, state and iss', async () => {
    const raw = createRawClient()
    const { client } = await raw.register()
    const redirect = await raw.server.approve(raw.authorizationUrl({ client_id: client.client_id }))
    expect(redirect.origin + redirect.pathname).toBe(REDIRECT_URI)
    expect(redirect.searchParams.get('state')).toBe('the-state')
    expect(redirect.searchParams.get('iss')).toBe(raw.issuer)
    expect(redirect.searchParams.get('code')).toMatch(/^canary-code-/)
  })

  it('shows an unknown client or redirect URI a page and never redirects there', async () => {
    const raw = createRawClient()
    const { client } = await raw.register()
    await expect(raw.server.approve(raw.authorizationUrl({ client_id: 'nobody' }))).rejects.toThrow(
      'Unrecognized client_id',
    )
    const foreign = raw.authorizationUrl({ client_id: client.client_id, redirect_uri: 'http://127.0.0.1:9/callback' })
    await expect(raw.server.approve(foreign)).rejects.toThrow('redirect_uri_mismatch')
    raw.server.set({ redirectUriMatch: 'any-loopback-port' })
    expect((await raw.server.approve(foreign)).port).toBe('9')
  })

  it('words an unknown client as it is told to', async () => {
    const raw = createRawClient()
    const look = async (): Promise<unknown> => {
      const response = await raw.server.handle(new Request(raw.authorizationUrl({ client_id: 'nobody' })))
      return [response.status, response.headers.get('location') ?? (await response.text())]
    }
    raw.server.set({ unknownClient: 'json' })
    expect(await look()).toEqual([422, '{"message":"Unrecognized client_id"}'])
    raw.server.set({ unknownClient: 'redirect' })
    expect(await look()).toEqual([302, expect.stringContaining('/errors?error=invalid_client')])
    raw.server.set({ unknownClient: 'server-error' })
    expect(await look()).toEqual([500, expect.not.stringContaining('client')])
  })

  it.each([
    ['a missing challenge', { code_challenge: undefined }, 'invalid_request'],
    ['the plain method', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['another response type', { response_type: 'token' }, 'unsupported_response_type'],
    ['a missing resource', { resource: undefined }, 'invalid_target'],
    ['a resource with a slash more', { resource: 'https://mcp.example/mcp/' }, 'invalid_target'],
    ['an unknown scope', { scope: 'files:read nonsense' }, 'invalid_scope'],
    ['an empty scope', { scope: '' }, 'invalid_scope'],
  ])('refuses %s', async (_, parameters, error) => {
    const raw = createRawClient()
    const { client } = await raw.register()
    const redirect = await raw.server.approve(raw.authorizationUrl({ client_id: client.client_id, ...parameters }))
    expect(redirect.searchParams.get('error')).toBe(error)
    expect(redirect.searchParams.has('code')).toBe(false)
    expect(redirect.searchParams.get('iss')).toBe(raw.issuer)
  })

  it('refuses a parameter that is sent twice', async () => {
    const raw = createRawClient()
    const { client } = await raw.register()
    const url = raw.authorizationUrl({ client_id: client.client_id, prompt: 'consent' })
    url.searchParams.append('prompt', 'login')
    await expect(raw.server.approve(url)).rejects.toThrow('prompt was sent twice')
  })

  it('lets the person deny, and grant less', async () => {
    const raw = createRawClient()
    const { client } = await raw.register()
    const url = raw.authorizationUrl({ client_id: client.client_id, scope: 'files:read files:write' })
    expect((await raw.server.approve(url, { deny: true })).searchParams.get('error')).toBe('access_denied')
    const code = (await raw.server.approve(url, { scope: 'files:read' })).searchParams.get('code') ?? ''
    const tokens: any = await (await raw.token(raw.codeForm(client.client_id, code))).json()
    expect(tokens.scope).toBe('files:read')
  })

  it.each([
    ['wrong', ['https://attacker.example']],
    ['missing', []],
    ['duplicated', ['https://auth.example', 'https://auth.example']],
  ] as const)('sends iss %s when told to', async (iss, expected) => {
    const raw = createRawClient({ iss })
    const { client } = await raw.register()
    const redirect = await raw.server.approve(raw.authorizationUrl({ client_id: client.client_id }))
    expect(redirect.searchParams.getAll('iss')).toEqual(expected)
  })
})

describe('the checks of the token endpoint', () => {
  it('gives tokens for a proper code once; a replay revokes them', async () => {
    const raw = createRawClient()
    const { client } = await raw.register()
    const form = raw.codeForm(client.client_id, await raw.code(client.client_id))
    const tokens: any = await (await raw.token(form)).json()
    expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'files:read' })
    expect((await raw.callTool(tokens.access_token, 'echo')).status).toBe(200)
    expect(await errorOf(await raw.token(form))).toEqual([400, 'invalid_grant'])
    expect((await raw.callTool(tokens.access_token, 'echo')).status).toBe(401)
    expect(await errorOf(await raw.token(raw.refreshForm(client.client_id, tokens.refresh_token)))).toEqual([
      400,
      'invalid_grant',
    ])
  })

  it.each([
    ['a wrong verifier', { code_verifier: `${VERIFIER}x` }, [400, 'invalid_grant']],
    ['a missing verifier', { code_verifier: '' }, [400, 'invalid_grant']],
    ['another redirect URI', { redirect_uri: 'http://127.0.0.1:33418/other' }, [400, 'invalid_grant']],
    ['an unknown client', { client_id: 'nobody' }, [401, 'invalid_client']],
    ['another resource', { resource: 'https://other.example' }, [400, 'invalid_target']],
    ['another grant', { grant_type: 'password' }, [400, 'unsupported_grant_type']],
  ])('refuses %s', async (_, changes, expected) => {
    const raw = createRawClient()
    const { client } = await raw.register()
    const form = { ...raw.codeForm(client.client_id, await raw.code(client.client_id)), ...changes }
    expect(await errorOf(await raw.token(form))).toEqual(expected)
  })

  it("refuses another client's code and refresh token", async () => {
    const raw = createRawClient()
    const { tokens } = await raw.login()
    const [{ client: first }, { client: second }] = [await raw.register(), await raw.register()]
    const code = await raw.code(first.client_id)
    expect(await errorOf(await raw.token(raw.codeForm(second.client_id, code)))).toEqual([400, 'invalid_grant'])
    expect(await errorOf(await raw.token(raw.refreshForm(second.client_id, tokens.refresh_token)))).toEqual([
      400,
      'invalid_grant',
    ])
  })

  it('refuses a code after a minute', async () => {
    const raw = createRawClient()
    const { client } = await raw.register()
    const code = await raw.code(client.client_id)
    raw.clock.now += 60_000
    expect(await errorOf(await raw.token(raw.codeForm(client.client_id, code)))).toEqual([400, 'invalid_grant'])
  })

  it('rotates refresh tokens, and a reused one ends the whole family', async () => {
    const raw = createRawClient()
    const { clientId, tokens } = await raw.login()
    const second: any = await (await raw.token(raw.refreshForm(clientId, tokens.refresh_token))).json()
    expect(second.refresh_token).not.toBe(tokens.refresh_token)
    expect((await raw.callTool(second.access_token, 'echo')).status).toBe(200)
    expect(await errorOf(await raw.token(raw.refreshForm(clientId, tokens.refresh_token)))).toEqual([
      400,
      'invalid_grant',
    ])
    expect((await raw.callTool(second.access_token, 'echo')).status).toBe(401)
    expect(await errorOf(await raw.token(raw.refreshForm(clientId, second.refresh_token)))).toEqual([
      400,
      'invalid_grant',
    ])
  })

  it('rotates without detection, or not at all, when told to', async () => {
    const raw = createRawClient({ rotation: 'plain' })
    const { clientId, tokens } = await raw.login()
    const second: any = await (await raw.token(raw.refreshForm(clientId, tokens.refresh_token))).json()
    expect((await raw.token(raw.refreshForm(clientId, tokens.refresh_token))).status).toBe(400)
    raw.server.set({ rotation: 'none-omitted' })
    const third: any = await (await raw.token(raw.refreshForm(clientId, second.refresh_token))).json()
    expect(third).not.toHaveProperty('refresh_token')
    raw.server.set({ rotation: 'none-repeated' })
    const fourth: any = await (await raw.token(raw.refreshForm(clientId, second.refresh_token))).json()
    expect(fourth.refresh_token).toBe(second.refresh_token)
  })

  it('narrows the scope of a refresh and never widens it', async () => {
    const raw = createRawClient()
    const { clientId, tokens } = await raw.login({ scope: 'files:read files:write' })
    const form = raw.refreshForm(clientId, tokens.refresh_token)
    expect(await errorOf(await raw.token({ ...form, scope: 'files:admin' }))).toEqual([400, 'invalid_scope'])
    expect(await (await raw.token({ ...form, scope: 'files:read' })).json()).toMatchObject({ scope: 'files:read' })
  })

  it('expires access tokens by the injected clock', async () => {
    const raw = createRawClient({ accessTokenLifetimeS: 10 })
    const { tokens } = await raw.login()
    raw.clock.now += 9_999
    expect((await raw.callTool(tokens.access_token, 'echo')).status).toBe(200)
    raw.clock.now += 1
    expect((await raw.callTool(tokens.access_token, 'echo')).status).toBe(401)
  })

  it('holds clients to one issuer', async () => {
    const raw = createRawClient()
    const { client } = await raw.register()
    const elsewhere = raw.authorizationUrl({ client_id: client.client_id })
    elsewhere.host = 'auth-two.example'
    await expect(raw.server.approve(elsewhere)).rejects.toThrow('Unrecognized client_id')
  })
})

const encode = (text: string): string => new URLSearchParams({ v: text }).toString().slice(2)

const basic = (id: string, secret: string): Record<string, string> => {
  return { authorization: `Basic ${btoa(`${encode(id)}:${encode(secret)}`)}` }
}
const withClient = (method: 'client_secret_basic' | 'client_secret_post', clientSecret = 's3cret') => {
  const clientId = 'the:client ü'
  return createRawClient({ clients: [{ clientId, clientSecret, method, redirectUris: [REDIRECT_URI] }] })
}
const attempt = async (
  raw: ReturnType<typeof createRawClient>,
  changes: Record<string, string>,
  headers?: Record<string, string>,
) => {
  const { client_id: _, ...form } = raw.codeForm('', await raw.code('the:client ü'))
  return (await raw.token({ ...form, ...changes }, headers)).status
}

describe('client authentication', () => {
  it('decodes both halves of Basic as form-encoded (RFC 6749 §2.3.1)', async () => {
    const raw = withClient('client_secret_basic', 'p%61ss+w:örd')
    expect(await attempt(raw, {}, basic('the:client ü', 'p%61ss+w:örd'))).toBe(200)
    expect(await attempt(raw, {}, { authorization: `Basic ${btoa('the:client:p%61ss+w:ord')}` })).toBe(401)
  })

  it('accepts the registered method only, exactly one, and only the right secret', async () => {
    const raw = withClient('client_secret_post')
    const id = { client_id: 'the:client ü' }
    expect(await attempt(raw, { ...id, client_secret: 's3cret' })).toBe(200)
    expect(await attempt(raw, { ...id, client_secret: 'wrong' })).toBe(401)
    expect(await attempt(raw, id)).toBe(401)
    expect(await attempt(raw, {}, basic(id.client_id, 's3cret'))).toBe(401)
    expect(await attempt(raw, { ...id, client_secret: 's3cret' }, basic(id.client_id, 's3cret'))).toBe(400)
  })

  it('a method that is advertised and not honoured is not read at all', async () => {
    const raw = withClient('client_secret_basic')
    raw.server.set({ honouredMethods: ['client_secret_post'] })
    expect(await attempt(raw, {}, basic('the:client ü', 's3cret'))).toBe(401)
    expect(await attempt(raw, { client_id: 'the:client ü', client_secret: 's3cret' })).toBe(200)
  })

  it('a secret ends when its registration said so', async () => {
    const raw = createRawClient({ secretLifetimeS: 5 })
    const { client } = await raw.register({ token_endpoint_auth_method: 'client_secret_post' })
    const form = {
      ...raw.codeForm(client.client_id, await raw.code(client.client_id)),
      client_secret: client.client_secret,
    }
    raw.clock.now += 5_000
    expect((await raw.token(form)).status).toBe(401)
  })
})
