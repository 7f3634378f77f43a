import { describe, expect, it } from 'vitest'
import { clientCredentials, type ClientCredentialsOptions } from '../../src/oauth/flows/client-credentials.ts'
import { ISSUER, json, notFound, OTHER_ISSUER, SERVER, World } from './world.ts'

const KEY = { server: SERVER, profile: 'default' }
const TOKEN = `POST ${ISSUER}/token`
const ROBOT = { clientId: 'robot', clientSecret: 'robot-secret' }
const PEM = '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----'

const robot = (options: Partial<ClientCredentialsOptions> = {}) => clientCredentials({ ...ROBOT, ...options })
const formOf = (world: World, index = 0) => Object.fromEntries(world.tokenRequests[index]!.form)

/** No registration, no page, no PKCE: what serves machines only. */
const MACHINES_ONLY = {
  authorization_endpoint: undefined,
  registration_endpoint: undefined,
  code_challenge_methods_supported: undefined,
  response_types_supported: [],
}

describe('what clientCredentials accepts', () => {
  const method = (tokenEndpointAuthMethod: string) => ({ tokenEndpointAuthMethod }) as object

  it.each<[string, object, RegExp]>([
    ['an empty id', { clientId: '' }, /client id is empty/u],
    ['a blank id', { clientId: ' \t\n' }, /client id is empty/u],
    ['a blank id before a wrong method', { clientId: ' ', ...method('none') }, /client id is empty/u],
    ['a blank id before a blank secret', { clientId: ' ', clientSecret: '' }, /client id is empty/u],
    ['the method none, by its name', method('none'), /method none cannot be used/u],
    ['none before a blank secret', { ...method('none'), clientSecret: '' }, /method none/u],
    ['an unknown method', method('tls_client_auth'), /tls_client_auth is not supported/u],
    ['an unknown method before a blank secret', { ...method('other'), clientSecret: '' }, /other is not supported/u],
    ['no secret', { clientSecret: undefined }, /client secret is empty/u],
    ['a blank secret', { clientSecret: ' \r\n ' }, /client secret is empty/u],
    ['a blank secret for a named method', { ...method('client_secret_post'), clientSecret: ' ' }, /secret is empty/u],
    ['private_key_jwt without a key', method('private_key_jwt'), /needs a private key/u],
  ])('R-CC-1 refuses %s', (_, options, message) => {
    const create = (): unknown => clientCredentials({ ...ROBOT, ...options })
    expect(create).toThrow(expect.objectContaining({ code: 'configuration', message: expect.stringMatching(message) }))
  })

  it('R-CC-1 quotes neither the secret nor the key', () => {
    const texts = [
      () => clientCredentials({ clientId: '', clientSecret: 'canary-secret' }),
      () => clientCredentials({ clientId: 'x', privateKey: { key: 'canary-key' } }),
    ].map(create => {
      try {
        create()
        return 'accepted'
      } catch (error) {
        return JSON.stringify([(error as Error).message, (error as { detail: unknown }).detail])
      }
    })
    expect(texts.join()).not.toMatch(/canary|accepted/u)
  })

  it('R-CC-1 takes a secret or an id with white space around it as it is', async () => {
    const world = new World()
    await world.client({ grant: robot({ clientSecret: ' s p ' }) }).fetch(SERVER)
    expect(world.tokenRequests[0]!.headers.get('authorization')).toBe(`Basic ${btoa('robot:+s+p+')}`)
  })

  it('R-CC-1 a key alone means private_key_jwt', () => {
    expect(() => clientCredentials({ clientId: 'robot', privateKey: { key: PEM, algorithm: 'EdDSA' } })).not.toThrow()
  })
})

describe('what clientCredentials sends', () => {
  it('R-CC-2 grant_type and resource, nothing else, authenticated with client_secret_basic', async () => {
    const world = new World()
    expect((await world.client({ grant: robot() }).fetch(SERVER)).status).toBe(200)
    expect(formOf(world)).toEqual({ grant_type: 'client_credentials', resource: SERVER })
    expect(world.tokenRequests[0]!.headers.get('authorization')).toBe(`Basic ${btoa('robot:robot-secret')}`)
  })

  it('R-CC-2 with client_secret_post the credentials are in the form and nowhere else', async () => {
    const world = new World()
    await world.client({ grant: robot({ tokenEndpointAuthMethod: 'client_secret_post' }) }).fetch(SERVER)
    expect(formOf(world)).toEqual({
      grant_type: 'client_credentials',
      resource: SERVER,
      client_id: 'robot',
      client_secret: 'robot-secret',
    })
    expect(world.tokenRequests[0]!.headers.has('authorization')).toBe(false)
  })

  it('R-CC-1 the method that is advertised is used where none is configured', async () => {
    const world = new World()
    world.serverMetadata = { token_endpoint_auth_methods_supported: ['client_secret_post'] }
    await world.client({ grant: robot() }).fetch(SERVER)
    expect(formOf(world)).toMatchObject({ client_secret: 'robot-secret' })
  })

  it('R-SCOPE-5 the scope of challenge, metadata or configuration, and never offline_access', async () => {
    const world = new World()
    world.serverMetadata = { scopes_supported: ['files', 'mail', 'offline_access'] }
    world.resourceMetadata = { ...world.resourceMetadata, scopes_supported: ['files', 'offline_access'] }
    await world.client({ grant: robot({ scope: 'mail' }) }).fetch(SERVER)
    expect(formOf(world)).toMatchObject({ scope: 'files' })

    const challenged = new World()
    challenged.serverMetadata = world.serverMetadata
    challenged.challenge += ', scope="mail offline_access"'
    await challenged.client({ grant: robot() }).fetch(SERVER)
    expect(formOf(challenged)).toMatchObject({ scope: 'mail' })

    const configured = new World()
    const { session } = configured.client({ grant: robot({ scope: 'files offline_access' }) })
    await session.login()
    expect(formOf(configured)).toMatchObject({ scope: 'files' })
    await session.login({ scope: 'mail offline_access' })
    expect(formOf(configured, 1)).toMatchObject({ scope: 'mail' })
  })

  it('R-SCOPE-5 a step-up asks for the union once, without a person', async () => {
    const world = new World()
    const { fetch, session } = world.client({ grant: robot({ scope: 'read' }) })
    await fetch(SERVER)
    const challenge = 'Bearer error="insufficient_scope", scope="write"'
    let refused = 0
    world.routes.set(`GET ${SERVER}`, seen =>
      seen.headers.get('authorization') === 'Bearer access-1' && ++refused
        ? new Response('', { status: 403, headers: { 'www-authenticate': challenge } })
        : undefined,
    )
    expect((await fetch(SERVER)).status).toBe(200)
    expect(refused).toBe(1)
    expect(formOf(world, 1)).toMatchObject({ scope: 'read write' })
    expect((await session.status()).scope).toBe('read write')
  })

  it('R-CC-2 never registers, though the server offers it and refuses the id', async () => {
    const world = new World()
    world.routes.set(TOKEN, () => json({ error: 'invalid_client', error_description: 'unknown client' }, 401))
    const { fetch } = world.client({ grant: robot() })
    const error = { code: 'token_refused', detail: { oauthError: 'invalid_client' } }
    await expect(fetch(SERVER)).rejects.toMatchObject(error)
    await expect(fetch(SERVER)).rejects.toMatchObject(error)
    expect(world.count(`POST ${ISSUER}/register`)).toBe(0)
    expect(world.authorizations).toHaveLength(0)
  })

  it('R-CC-2 works where only machines are served: no authorization endpoint, no PKCE, no registration', async () => {
    const world = new World()
    world.serverMetadata = MACHINES_ONLY
    expect((await world.client({ grant: robot() }).fetch(SERVER)).status).toBe(200)
    expect(await world.session({ grant: robot() }).status()).toMatchObject({
      loggedIn: true,
      withoutPerson: true,
      clientId: 'robot',
      registration: 'pre-registered',
    })
  })

  it('R-CC-2 the flow is the one declared, whatever grant_types_supported lists', async () => {
    const world = new World()
    world.serverMetadata = { grant_types_supported: ['authorization_code', 'refresh_token'] }
    await world.client({ grant: robot() }).fetch(SERVER)
    expect(formOf(world).grant_type).toBe('client_credentials')
  })

  it('R-CC-2 endpoints are judged first: a token endpoint over plain http gets nothing', async () => {
    const world = new World()
    world.serverMetadata = { token_endpoint: 'http://as.example.com/token' }
    await expect(world.client({ grant: robot() }).fetch(SERVER)).rejects.toThrow()
    expect(world.seen.some(({ url }) => url.protocol === 'http:')).toBe(false)
  })

  it('a session that may ask nobody still obtains tokens', async () => {
    const world = new World()
    expect((await world.client({ grant: robot(), interactive: false }).fetch(SERVER)).status).toBe(200)
    expect(await world.session({ grant: robot(), interactive: false }).accessToken()).toBe('access-1')
  })
})

describe('which authorization server gets the credentials', () => {
  const noResourceMetadata = (world: World): World => {
    world.routes.set('GET https://mcp.example.com/.well-known/oauth-protected-resource/mcp', notFound)
    world.challenge = 'Bearer'
    return world
  }

  it('R-CC-3 without protected resource metadata: the configured issuer', async () => {
    const world = noResourceMetadata(new World())
    expect((await world.client({ grant: robot({ issuer: ISSUER }) }).fetch(SERVER)).status).toBe(200)
    expect(formOf(world)).toMatchObject({ resource: SERVER })
  })

  it('R-CC-3 without protected resource metadata and without an issuer: the one at the origin of the server', async () => {
    const world = noResourceMetadata(new World())
    const origin = new URL(SERVER).origin
    world.routes.set(`GET ${origin}/.well-known/oauth-authorization-server`, () => json(world.metadataOf(origin)))
    world.routes.set(`POST ${origin}/token`, seen => world.token(seen))
    expect((await world.client({ grant: robot() }).fetch(SERVER)).status).toBe(200)
    expect(world.count(`POST ${origin}/token`)).toBe(1)
  })

  it('R-CC-2 a server that names another than the configured issuer gets nothing sent to anybody', async () => {
    const world = new World()
    world.resourceMetadata = { resource: SERVER, authorization_servers: [OTHER_ISSUER] }
    const { fetch } = world.client({ grant: robot({ issuer: ISSUER }) })
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'issuer_mismatch' })
    expect(world.seen.filter(({ method }) => method === 'POST')).toEqual([])
  })

  it('a server that moves to another issuer later does not get the credentials', async () => {
    const world = new World()
    const { fetch } = world.client({ grant: robot() })
    await fetch(SERVER)
    world.resourceMetadata = { resource: SERVER, authorization_servers: [OTHER_ISSUER] }
    world.revokeAccessTokens()
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'registration_issuer_changed' })
    expect(world.count(`POST ${OTHER_ISSUER}/token`)).toBe(0)
  })

  it('the token is bound to the server that it was asked for, and stored', async () => {
    const world = new World()
    await world.client({ grant: robot() }).fetch(SERVER)
    const grant = (await world.store.get(KEY))?.record.issuers[ISSUER]?.grant
    expect(grant).toMatchObject({ resource: SERVER, clientId: 'robot', withoutPerson: true, tokenType: 'Bearer' })
  })
})
