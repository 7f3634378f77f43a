import { describe, expect, it } from 'vitest'
import { authorizationCode } from '../../src/oauth/flows/authorization-code.ts'
import { clientCredentials } from '../../src/oauth/flows/client-credentials.ts'
import { identityAssertion } from '../../src/oauth/flows/identity-assertion.ts'
import { workloadIdentity } from '../../src/oauth/flows/workload-identity.ts'
import type { OAuthSessionOptions } from '../../src/oauth/session-options.ts'
import type { CredentialRecord } from '../../src/oauth/store/credential-store.ts'
import { IdentityWorld, IDP, SSO_CLIENT } from './identity-world.ts'
import { ISSUER, json, OTHER_ISSUER, REDIRECT_URI, SERVER, World } from './world.ts'

const KEY = { server: SERVER, profile: 'default' }
const TOKEN = `POST ${ISSUER}/token`
const OTHER_TOKEN = `POST ${OTHER_ISSUER}/token`
const ROBOT = { clientId: 'robot', clientSecret: 'robot-secret' }

const robot = () => clientCredentials(ROBOT)
const workload = (token = 'platform-token') => workloadIdentity({ token: () => token })
const machine = (world: World, grant: OAuthSessionOptions['grant'], options: Partial<OAuthSessionOptions> = {}) =>
  world.client({ grant, ...options })
const record = async (world: World): Promise<CredentialRecord> => (await world.store.get(KEY))!.record
const sentLast = (world: World) => world.to(`GET ${SERVER}`).at(-1)!.headers.get('authorization')

/** Holds what a machine is answered until `open` is called; a person is served meanwhile. */
function holdMachines(world: World) {
  let open = (): void => undefined
  const opened = new Promise<undefined>(resolve => (open = () => resolve(undefined)))
  world.routes.set(TOKEN, ({ form }) => (form.get('grant_type') === 'client_credentials' ? opened : undefined))
  return { open }
}

describe('a person who logs in while a machine is waiting for its token', () => {
  it('R-CC-3 keeps the login, and the machine is told so', async () => {
    const world = new World()
    const { open } = holdMachines(world)
    const call = machine(world, robot()).fetch(SERVER)
    const outcome = expect(call).rejects.toMatchObject({ code: 'configuration' })
    await world.until(() => world.tokenRequests.length === 1)
    await world.client().session.login()
    const before = await record(world)
    open()
    await outcome
    expect(await record(world)).toEqual(before)
  })

  it('R-CC-3 unless the machine logs in by name', async () => {
    const world = new World()
    const { open } = holdMachines(world)
    const { session } = machine(world, robot())
    const login = session.login()
    await world.until(() => world.tokenRequests.length === 1)
    await world.client().session.login()
    open()
    expect(await login).toMatchObject({ loggedIn: true, clientId: 'robot' })
  })
})

describe('machines of several kinds over one record', () => {
  it('R-WIF-1 a workload never sends the token of another machine', async () => {
    const world = new World()
    world.givesRefreshToken = false
    await machine(world, robot()).fetch(SERVER)
    const others = sentLast(world)
    const { fetch, session } = machine(world, workload())
    expect(await session.status()).toMatchObject({ loggedIn: false })
    expect((await fetch(SERVER)).status).toBe(200)
    expect(sentLast(world)).not.toBe(others)
    expect(world.tokenRequests.at(-1)!.form.get('assertion')).toBe('platform-token')
  })

  it('R-WIF-1 two processes of one workload share a token', async () => {
    const world = new World()
    world.givesRefreshToken = false
    await machine(world, workload('platform-token-1')).fetch(SERVER)
    await machine(world, workload('platform-token-2')).fetch(SERVER)
    expect(world.tokenRequests).toHaveLength(1)
  })

  it('R-IDJAG-1 nobody is served with the token of another person', async () => {
    const world = new IdentityWorld()
    const of = (sub: string) => {
      const idToken = world.idToken({ sub })
      const identityProvider = { issuer: IDP, client: SSO_CLIENT, idToken }
      return identityAssertion({ identityProvider, client: { clientId: 'app', clientSecret: 'app-secret' } })
    }
    await machine(world, of('ada')).fetch(SERVER)
    const adas = sentLast(world)
    await machine(world, of('ada')).fetch(SERVER)
    expect(sentLast(world)).toBe(adas)
    await machine(world, of('bob')).fetch(SERVER)
    expect(sentLast(world)).not.toBe(adas)
  })

  it('R-WIF-1 a token that an earlier version stored serves on', async () => {
    const world = new World()
    world.givesRefreshToken = false
    await machine(world, workload()).fetch(SERVER)
    const { record: stored, version } = (await world.store.get(KEY))!
    const { obtainedFor: _, ...grant } = stored.issuers[ISSUER]!.grant!
    await world.store.compareAndSet(KEY, version, { ...stored, issuers: { [ISSUER]: { grant } } })
    await machine(world, workload()).fetch(SERVER)
    expect(world.tokenRequests).toHaveLength(1)
  })
})

describe('an MCP server that turns hostile', () => {
  it('R-ISS-BIND the token of a platform goes to no second authorization server', async () => {
    const world = new World()
    world.givesRefreshToken = false
    await machine(world, workload()).fetch(SERVER)
    world.resourceMetadata = { ...world.resourceMetadata, authorization_servers: [OTHER_ISSUER] }
    world.revokeAccessTokens()
    await expect(machine(world, workload()).fetch(SERVER)).rejects.toMatchObject({
      code: 'registration_issuer_changed',
      detail: { expected: ISSUER, received: OTHER_ISSUER },
    })
    expect(world.count(OTHER_TOKEN)).toBe(0)
  })

  it('R-ISS-BIND a registration there under the id of a registered client moves no secret', async () => {
    const world = new World()
    world.givesRefreshToken = false
    await machine(world, robot()).fetch(SERVER)
    world.resourceMetadata = { ...world.resourceMetadata, authorization_servers: [OTHER_ISSUER] }
    world.revokeAccessTokens()
    world.routes.set(`POST ${OTHER_ISSUER}/register`, () =>
      json({ client_id: 'robot', redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'none' }, 201),
    )
    await world.client().session.login({ force: true })
    await expect(machine(world, robot()).session.login()).rejects.toMatchObject({ code: 'registration_issuer_changed' })
    expect(world.to(OTHER_TOKEN).some(({ form }) => form.get('grant_type') === 'client_credentials')).toBe(false)
  })

  it('R-ISS-BIND a login that a process without a pinned issuer began elsewhere is not finished by one with it', async () => {
    const world = new World()
    world.resourceMetadata = { ...world.resourceMetadata, authorization_servers: [OTHER_ISSUER] }
    const { url } = await world.client().session.beginLogin({ redirectUri: REDIRECT_URI })
    const pinned = world.client({ grant: authorizationCode({ issuer: ISSUER }) })
    const answer = await world.approve(url)
    await expect(pinned.session.finishLogin(answer)).rejects.toMatchObject({ code: 'issuer_mismatch' })
    expect(world.count(OTHER_TOKEN)).toBe(0)
  })

  it('R-ISS-BIND the pinned issuer is found behind any number of others', async () => {
    const world = new World()
    const others = Array.from({ length: 9 }, (_, index) => `https://as-${index}.example.com`)
    world.resourceMetadata = { ...world.resourceMetadata, authorization_servers: [...others, ISSUER] }
    const grant = clientCredentials({ ...ROBOT, issuer: ISSUER })
    expect((await machine(world, grant).fetch(SERVER)).status).toBe(200)
  })
})
