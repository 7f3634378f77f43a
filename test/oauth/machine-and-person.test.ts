import { describe, expect, it } from 'vitest'
import { authorizationCode } from '../../src/oauth/flows/authorization-code.ts'
import { clientCredentials } from '../../src/oauth/flows/client-credentials.ts'
import type { OAuthSessionOptions } from '../../src/oauth/session-options.ts'
import type { CredentialRecord } from '../../src/oauth/store/credential-store.ts'
import { ISSUER, json, SERVER, World } from './world.ts'

const KEY = { server: SERVER, profile: 'default' }
const ROBOT = { clientId: 'robot', clientSecret: 'robot-secret' }
const HOLDS_PERSON = { code: 'configuration', message: expect.stringContaining("a person's login") as string }

const machine = (world: World, options: Partial<OAuthSessionOptions> = {}) =>
  world.client({ grant: clientCredentials(ROBOT), ...options })
const person = (world: World) => world.client()
const record = async (world: World): Promise<CredentialRecord> => (await world.store.get(KEY))!.record
const sentLast = (world: World) => world.to(`GET ${SERVER}`).at(-1)!.headers.get('authorization')
const requests = (world: World) => world.tokenRequests.map(({ form }) => form.get('grant_type'))

/** A record that holds a person's login. */
async function personsRecord() {
  const world = new World()
  await person(world).fetch(SERVER)
  return { world, before: await record(world) }
}

/** A record that holds a machine's token. */
async function machinesRecord() {
  const world = new World()
  world.givesRefreshToken = false
  await machine(world).fetch(SERVER)
  world.givesRefreshToken = true
  return world
}

describe("a machine over a person's record", () => {
  it("R-CC-3 never sends the person's token, and never replaces the login by itself", async () => {
    const { world, before } = await personsRecord()
    const { fetch, session } = machine(world)
    await expect(fetch(SERVER)).rejects.toMatchObject(HOLDS_PERSON)
    await expect(session.accessToken()).rejects.toMatchObject(HOLDS_PERSON)
    expect(await session.status()).toMatchObject({ loggedIn: false })
    expect(await record(world)).toEqual(before)
    expect(requests(world)).toEqual(['authorization_code'])
    expect(sentLast(world)).toBeNull()
  })

  it('R-CC-3 not when the access token has ended, since the refresh token lives', async () => {
    const { world, before } = await personsRecord()
    world.now += 3_700_000
    await expect(machine(world).fetch(SERVER)).rejects.toMatchObject(HOLDS_PERSON)
    await expect(machine(world).session.accessToken()).rejects.toMatchObject(HOLDS_PERSON)
    expect(await record(world)).toEqual(before)
    expect(world.refreshes).toHaveLength(0)
  })

  it("R-CC-3 but a login that is over is in nobody's way", async () => {
    const world = new World()
    world.givesRefreshToken = false
    await person(world).fetch(SERVER)
    world.now += 3_700_000
    world.revokeAccessTokens()
    expect((await machine(world).fetch(SERVER)).status).toBe(200)
    expect(requests(world)).toEqual(['authorization_code', 'client_credentials'])
  })

  it('R-CC-3 a login by name replaces it', async () => {
    const { world } = await personsRecord()
    const { session, fetch } = machine(world)
    expect(await session.login()).toMatchObject({ loggedIn: true, withoutPerson: true, clientId: 'robot' })
    expect((await fetch(SERVER)).status).toBe(200)
    const { grant, registration } = (await record(world)).issuers[ISSUER]!
    expect(grant).toMatchObject({ withoutPerson: true, clientId: 'robot' })
    expect(registration).toMatchObject({ kind: 'pre-registered', clientId: 'robot' })
  })

  it('R-CC-3 nor does a machine keep up what the person is about to finish', async () => {
    const world = new World()
    const { url } = await person(world).session.beginLogin({ redirectUri: 'http://127.0.0.1:4711/callback' })
    expect((await machine(world).fetch(SERVER)).status).toBe(200)
    expect(await person(world).session.finishLogin(await world.approve(url))).toMatchObject({ loggedIn: true })
    await expect(machine(world).fetch(SERVER)).rejects.toMatchObject(HOLDS_PERSON)
  })

  it('R-CC-3 a machine with a token finds out within a second that a person has logged in', async () => {
    const world = await machinesRecord()
    const { fetch } = machine(world)
    await fetch(SERVER)
    await person(world).session.login({ force: true })
    world.now += 1_001
    await expect(fetch(SERVER)).rejects.toMatchObject(HOLDS_PERSON)
  })

  it('a profile of its own keeps both', async () => {
    const { world } = await personsRecord()
    expect((await machine(world, { profile: 'robot' }).fetch(SERVER)).status).toBe(200)
    expect((await person(world).fetch(SERVER)).status).toBe(200)
    expect(sentLast(world)).toBe('Bearer access-3')
  })

  it('R-TOKEN-2 one client id, public for the person, is authenticated for the machine', async () => {
    const world = new World()
    const registered = authorizationCode({ authorizer: world.authorizer, client: { clientId: 'robot' } })
    await world.client({ grant: registered }).fetch(SERVER)
    await machine(world).session.login()
    expect(world.tokenRequests.at(-1)!.headers.get('authorization')).toBe(`Basic ${btoa('robot:robot-secret')}`)
  })

  it('R-TOKEN-2 one client id, with a key before and a secret now', async () => {
    const world = new World()
    const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign'])
    const signing = clientCredentials({ clientId: 'robot', privateKey: { key: privateKey, algorithm: 'ES256' } })
    await world.client({ grant: signing }).fetch(SERVER)
    await machine(world).session.login({ force: true })
    expect(world.tokenRequests.at(-1)!.headers.get('authorization')).toBe(`Basic ${btoa('robot:robot-secret')}`)
  })
})

describe("a person over a machine's record", () => {
  it('R-CC-3 may use the token that is there, and nobody is asked', async () => {
    const world = await machinesRecord()
    const { fetch, session } = person(world)
    expect((await fetch(SERVER)).status).toBe(200)
    expect(await session.status()).toMatchObject({ loggedIn: true, withoutPerson: true, clientId: 'robot' })
    expect(world.authorizations).toHaveLength(0)
  })

  it('R-REFRESH-6 logs in when it is refused, and the login takes its place as one unit', async () => {
    const world = await machinesRecord()
    world.revokeAccessTokens()
    expect((await person(world).fetch(SERVER)).status).toBe(200)
    const { grant, registration } = (await record(world)).issuers[ISSUER]!
    expect(grant).not.toHaveProperty('withoutPerson')
    expect(grant?.clientId).toBe(registration?.clientId)
    expect(registration?.kind).toBe('dynamic')
    expect(world.authorizations).toHaveLength(1)
    await expect(machine(world).fetch(SERVER)).rejects.toMatchObject(HOLDS_PERSON)
  })

  it('R-REFRESH-6 a forced login replaces it, too', async () => {
    const world = await machinesRecord()
    expect(await person(world).session.login({ force: true })).not.toHaveProperty('withoutPerson')
    expect(world.authorizations).toHaveLength(1)
  })

  it('R-CC-3 where nobody may be asked, a token that has ended is a clear error', async () => {
    const world = await machinesRecord()
    world.now += 3_700_000
    world.revokeAccessTokens()
    const { fetch } = world.client({ interactive: false })
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'login_required' })
    expect(requests(world)).toEqual(['client_credentials'])
  })

  it("R-REFRESH-7 refreshes a machine's refresh token as the machine's client, and it stays the machine's", async () => {
    const world = new World()
    await machine(world).fetch(SERVER)
    world.refreshTokens.set('refresh-1', '')
    world.now += 3_590_000
    expect((await person(world).fetch(SERVER)).status).toBe(200)
    expect(world.refreshes[0]!.headers.get('authorization')).toBe(`Basic ${btoa('robot:robot-secret')}`)
    expect((await record(world)).issuers[ISSUER]?.grant).toMatchObject({ withoutPerson: true })
    expect((await machine(world).fetch(SERVER)).status).toBe(200)
  })
})

describe('two machines over one record', () => {
  it('field D19 each obtains its own: a token of another client is never sent', async () => {
    const world = await machinesRecord()
    const other = machine(world, { grant: clientCredentials({ clientId: 'other', clientSecret: 'other-secret' }) })
    expect((await other.fetch(SERVER)).status).toBe(200)
    expect(requests(world)).toEqual(['client_credentials', 'client_credentials'])
    expect((await record(world)).issuers[ISSUER]?.grant).toMatchObject({ clientId: 'other' })
  })

  it('field D19 the refusal of the one says nothing about the other', async () => {
    const world = new World()
    world.routes.set(`POST ${ISSUER}/token`, ({ headers }) =>
      headers.get('authorization') === `Basic ${btoa('robot:robot-secret')}`
        ? undefined
        : json({ error: 'invalid_client' }, 401),
    )
    const other = machine(world, { grant: clientCredentials({ clientId: 'other', clientSecret: 'other-secret' }) })
    await expect(other.fetch(SERVER)).rejects.toMatchObject({ detail: { oauthError: 'invalid_client' } })
    expect((await machine(world).fetch(SERVER)).status).toBe(200)
  })
})
