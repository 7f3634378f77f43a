import { describe, expect, it } from 'vitest'
import { createRawClient } from './raw-client.ts'

describe('the registration endpoint', () => {
  it.each([
    ['no redirect URIs', { redirect_uris: [] }],
    ['a client_id', { client_id: 'mine' }],
    ['a null member', { scope: null }],
  ])('refuses %s', async (_, metadata) => {
    const { response } = await createRawClient().register(metadata)
    expect(response.status).toBe(400)
  })

  it('strict refuses members outside RFC 7591, minimal also application_type', async () => {
    const raw = createRawClient({ registration: 'strict' })
    expect((await raw.register({ resource: raw.mcpUrl })).client.error_description).toBe(
      'Unrecognized field "resource"',
    )
    expect((await raw.register({ application_type: 'native' })).response.status).toBe(201)
    raw.server.set({ registration: 'minimal' })
    expect((await raw.register({ application_type: 'native' })).response.status).toBe(400)
  })

  it('assigns another method, withholds the secret, sends nulls and a foreign issuer when told to', async () => {
    const raw = createRawClient({
      registrationMethod: 'client_secret_post',
      nullMembers: true,
      issuerMember: 'https://x.example',
      registrationStatus: 200,
    })
    const { response, client } = await raw.register()
    expect(response.status).toBe(200)
    expect(client).toMatchObject({
      token_endpoint_auth_method: 'client_secret_post',
      client_uri: null,
      issuer: 'https://x.example',
    })
    expect(client.client_secret).toMatch(/^canary-client-secret-/)
    raw.server.set({ registrationSecret: 'missing' })
    expect((await raw.register()).client.client_secret).toBeNull()
  })

  it('refuses scopes that were not registered when told to', async () => {
    const raw = createRawClient({ registeredScopesOnly: true })
    const { client } = await raw.register({ scope: 'files:read' })
    const asking = (scope: string) => raw.server.approve(raw.authorizationUrl({ client_id: client.client_id, scope }))
    expect((await asking('files:read')).searchParams.get('error')).toBeNull()
    expect((await asking('files:read files:write')).searchParams.get('error')).toBe('invalid_scope')
  })

  it('asks for an initial access token when told to', async () => {
    const raw = createRawClient({ initialAccessToken: 'the-token' })
    const url = `${raw.issuer}/register`
    const body = JSON.stringify({ redirect_uris: ['http://127.0.0.1:1/callback'] })
    const statuses = ['Bearer the-token', 'Bearer another', undefined].map(async authorization => {
      const headers = { 'content-type': 'application/json', ...(authorization && { authorization }) }
      return (await raw.server.fetch(url, { method: 'POST', headers, body })).status
    })
    expect(await Promise.all(statuses)).toEqual([201, 401, 401])
  })

  it('forgets its clients when told to', async () => {
    const raw = createRawClient()
    const { clientId, tokens } = await raw.login()
    raw.server.forgetClients()
    expect((await raw.token(raw.refreshForm(clientId, tokens.refresh_token))).status).toBe(401)
    await expect(raw.code(clientId)).rejects.toThrow('Unrecognized client_id')
  })
})

describe('the revocation endpoint', () => {
  it('an access token ends alone, a refresh token takes everything with it, an unknown one is a success', async () => {
    const raw = createRawClient()
    const { clientId, tokens } = await raw.login()
    const second: any = await (await raw.token(raw.refreshForm(clientId, tokens.refresh_token))).json()
    const revoke = async (token: string) =>
      (await raw.post(`${raw.issuer}/revoke`, { token, client_id: clientId })).status
    expect(await revoke('never issued')).toBe(200)
    expect(await revoke(tokens.access_token)).toBe(200)
    expect((await raw.callTool(tokens.access_token, 'echo')).status).toBe(401)
    expect((await raw.callTool(second.access_token, 'echo')).status).toBe(200)
    expect(await revoke(second.refresh_token)).toBe(200)
    expect((await raw.callTool(second.access_token, 'echo')).status).toBe(401)
    expect((await raw.token(raw.refreshForm(clientId, second.refresh_token))).status).toBe(400)
  })

  it("authenticates the client and leaves another client's tokens alone", async () => {
    const raw = createRawClient()
    const { tokens } = await raw.login()
    const { client } = await raw.register()
    const revoke = (client_id: string) => raw.post(`${raw.issuer}/revoke`, { token: tokens.refresh_token, client_id })
    expect((await revoke('nobody')).status).toBe(401)
    expect((await revoke(client.client_id)).status).toBe(200)
    expect((await raw.callTool(tokens.access_token, 'echo')).status).toBe(200)
  })
})
