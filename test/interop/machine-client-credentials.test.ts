import { decodeJwt, decodeProtectedHeader, exportPKCS8, importJWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { requestParameters } from '../../demo/src/leg.ts'
import { connect } from '../../src/client.ts'
import {
  clientCredentials,
  createMemoryStore,
  type OAuthSession,
  privateKeyJwt,
  type RemoteSigner,
  withOAuth,
} from '../../src/oauth.ts'
import { CLIENTS, keyClientId, SIGNING_ALGORITHMS, signingKey } from './machine-clients.ts'
import { ACCESS_TOKEN_SECONDS, startMachineWorld } from './machine-world.ts'

const text = (result: { content: readonly object[] }): string => (result.content[0] as { text: string }).text

const open = (session: OAuthSession, server: string) => connect(server, { fetch: withOAuth(fetch, session) })

const basic = clientCredentials(CLIENTS.basic)

interface KeyForms {
  readonly pem: string
  readonly cryptoKey: CryptoKey
  readonly signer: RemoteSigner
}

/** The PS256 key in every form but the JWK. */
async function keyForms(): Promise<KeyForms> {
  const { privateJwk } = await signingKey('PS256')
  const cryptoKey = (await importJWK(privateJwk, 'PS256', { extractable: true })) as CryptoKey
  const sign = async (data: Uint8Array) =>
    new Uint8Array(await crypto.subtle.sign({ name: 'RSA-PSS', saltLength: 32 }, cryptoKey, new Uint8Array(data)))
  return { pem: await exportPKCS8(cryptoKey), cryptoKey, signer: { algorithm: 'PS256', sign } }
}

describe('client credentials against oidc-provider', () => {
  it('R-CC-2 authenticates with HTTP Basic, whatever the secret is made of, and calls a tool', async () => {
    await using world = await startMachineWorld()
    const session = world.session({ grant: basic, interactive: false })
    const client = await open(session, world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    const requests = world.tokenRequests()
    expect(requests.map(leg => leg.status)).toEqual([200])
    expect(requests[0]?.requestHeaders.get('authorization')).toMatch(/^Basic /)
    expect(requestParameters(requests[0]!)).toEqual({
      grant_type: 'client_credentials',
      scope: 'notes:read',
      resource: world.mcpUrl,
    })
    expect(world.at('/reg')).toEqual([])
    expect(await session.status()).toMatchObject({ loggedIn: true, issuer: world.issuer, withoutPerson: true })
    await client.close()
  })

  it('R-CC-1 sends the secret in the body where it was registered for that', async () => {
    await using world = await startMachineWorld()
    const grant = clientCredentials({ ...CLIENTS.post, tokenEndpointAuthMethod: 'client_secret_post' })
    const client = await open(world.session({ grant }), world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    const requests = world.tokenRequests()
    expect(requests.map(leg => leg.status)).toEqual([200])
    expect(requests[0]?.requestHeaders.get('authorization')).toBeNull()
    expect(requestParameters(requests[0]!)['client_secret']).toBe(CLIENTS.post.clientSecret)
    await client.close()
  })

  it.each(SIGNING_ALGORITHMS)('R-JWT-1 signs instead of sending a secret: %s', async algorithm => {
    await using world = await startMachineWorld()
    const clientId = keyClientId(algorithm)
    const { privateJwk } = await signingKey(algorithm)
    const client = await open(world.session({ grant: privateKeyJwt({ clientId, key: privateJwk }) }), world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    world.advance(ACCESS_TOKEN_SECONDS * 1000)
    await client.callTool('list_notes')

    const requests = world.tokenRequests()
    expect(requests.map(leg => leg.status)).toEqual([200, 200])
    const assertions = requests.map(leg => requestParameters(leg)['client_assertion']!)
    expect(decodeProtectedHeader(assertions[0]!)).toMatchObject({ alg: algorithm, kid: privateJwk.kid })
    const claims = assertions.map(assertion => decodeJwt(assertion))
    expect(claims[0]).toMatchObject({ iss: clientId, sub: clientId, aud: world.issuer })
    expect(claims[0]!.exp! - claims[0]!.iat!).toBeLessThanOrEqual(300)
    expect(claims[0]!.jti).not.toBe(claims[1]!.jti)
    await client.close()
  })

  it.each([
    ['a PEM', ({ pem }: KeyForms) => ({ key: pem, algorithm: 'PS256', keyId: 'key-PS256' }) as const],
    ['a CryptoKey', ({ cryptoKey }: KeyForms) => ({ key: cryptoKey, keyId: 'key-PS256' })],
    ['a signer that keeps the key', ({ signer }: KeyForms) => ({ key: signer, keyId: 'key-PS256' })],
  ])('R-JWT-1 takes the key as %s', async (_name, keyOf) => {
    await using world = await startMachineWorld()
    const key = keyOf(await keyForms())
    const client = await open(
      world.session({ grant: privateKeyJwt({ clientId: 'robot-ps256', ...key }) }),
      world.mcpUrl,
    )
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    expect(world.tokenRequests().map(leg => leg.status)).toEqual([200])
    await client.close()
  })

  it('R-CC-3 fifty concurrent calls make one token request, and fifty after its expiry one more', async () => {
    await using world = await startMachineWorld()
    const authorized = withOAuth(fetch, world.session({ grant: basic }))
    const clients = await Promise.all(Array.from({ length: 50 }, () => connect(world.mcpUrl, { fetch: authorized })))
    const call = () => Promise.all(clients.map(client => client.callTool('list_notes')))
    expect((await call()).map(text)).toEqual(Array(50).fill(expect.stringContaining('Otters')))
    expect(world.tokenRequests()).toHaveLength(1)

    world.advance(ACCESS_TOKEN_SECONDS * 1000)
    await call()
    expect(world.tokenRequests()).toHaveLength(2)
    await Promise.all(clients.map(client => client.close()))
  })

  it('R-CC-3 tokens that the server rejects are replaced once for all who were rejected', async () => {
    await using world = await startMachineWorld()
    const client = await open(world.session({ grant: basic, interactive: false }), world.mcpUrl)
    await client.callTool('list_notes')
    world.revokeAccessTokens()
    const results = await Promise.all(Array.from({ length: 20 }, () => client.callTool('list_notes')))
    expect(results.map(text)).toEqual(Array(20).fill(expect.stringContaining('Otters')))
    expect(world.tokenRequests()).toHaveLength(2)
    await client.close()
  })

  it('R-CC-3 twenty sessions that begin at the same time over one store make one token request', async () => {
    await using world = await startMachineWorld()
    const store = createMemoryStore()
    const sessions = Array.from({ length: 20 }, () => world.session({ grant: basic, store }))
    const clients = await Promise.all(sessions.map(session => open(session, world.mcpUrl)))
    const results = await Promise.all(clients.map(client => client.callTool('list_notes')))
    expect(results.map(text)).toEqual(Array(20).fill(expect.stringContaining('Otters')))
    expect(world.tokenRequests()).toHaveLength(1)
    await Promise.all(clients.map(client => client.close()))
  })

  it('R-SCOPE-8 steps up without a person, for the union of scopes, and keeps it', async () => {
    await using world = await startMachineWorld()
    const client = await open(world.session({ grant: basic, interactive: false }), world.mcpUrl)
    await client.callTool('list_notes')
    expect(text(await client.callTool('add_note', { text: 'Rivers are patient.' }))).toBe('Added note 2.')
    world.advance(ACCESS_TOKEN_SECONDS * 1000)
    expect(text(await client.callTool('add_note', { text: 'Snow is quiet.' }))).toBe('Added note 3.')
    const scopes = world.tokenRequests().map(leg => requestParameters(leg)['scope'])
    expect(scopes).toEqual(['notes:read', 'notes:read notes:write', 'notes:read notes:write'])
    await client.close()
  })

  it('R-RETRY-4 a step-up that brings nothing is final: one token request, however often it is tried', async () => {
    await using world = await startMachineWorld({ scopes: ['notes:read'] })
    const client = await open(world.session({ grant: basic, interactive: false }), world.mcpUrl)
    await client.callTool('list_notes')
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const adding = client.callTool('add_note', { text: 'Rivers are patient.' })
      await expect(adding).rejects.toMatchObject({ code: 'step_up_failed' })
    }
    expect(world.tokenRequests()).toHaveLength(2)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    await client.close()
  })

  it('R-RETRY-4 an MCP server that rejects every token does not make a machine ask for one after the other', async () => {
    await using world = await startMachineWorld()
    const client = await open(world.session({ grant: basic }), world.mcpUrl)
    await client.callTool('list_notes')
    world.rejectAll()
    for (let attempt = 0; attempt < 10; attempt += 1) {
      await expect(client.callTool('list_notes')).rejects.toMatchObject({ code: 'fresh_token_rejected' })
    }
    expect(world.tokenRequests().length).toBeLessThanOrEqual(4)
    await client.close()
  })

  it('field T5: a wrong secret is tried once by each method, and the error does not show it', async () => {
    await using world = await startMachineWorld()
    const grant = clientCredentials({ ...CLIENTS.post, clientSecret: 'canary-of-a-secret' })
    const failure = await open(world.session({ grant }), world.mcpUrl).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'token_refused', detail: { oauthError: 'invalid_client' } })
    expect(JSON.stringify(failure) + String(failure)).not.toContain('canary')
    const methods = world.tokenRequests().map(leg => (leg.requestHeaders.has('authorization') ? 'basic' : 'post'))
    expect(methods).toEqual(['basic', 'post'])
  })

  it('logout revokes the access token where the server can', async () => {
    await using world = await startMachineWorld({ accessTokens: 'opaque' })
    const session = world.session({ grant: basic })
    const accessToken = await session.accessToken()
    const report = await session.logout()
    expect(report.revocations).toEqual([expect.objectContaining({ token: 'access_token', ok: true })])
    const replay = await fetch(world.mcpUrl, { method: 'POST', headers: { authorization: `Bearer ${accessToken}` } })
    expect(replay.status).toBe(401)
    expect((await session.status()).loggedIn).toBe(false)
  })

  it('logout forgets a token that the server cannot revoke, and says so', async () => {
    await using world = await startMachineWorld()
    const session = world.session({ grant: basic })
    await session.login()
    const report = await session.logout()
    expect(report.revocations).toEqual([expect.objectContaining({ token: 'access_token', ok: false })])
    expect((await session.status()).loggedIn).toBe(false)
  })
})
