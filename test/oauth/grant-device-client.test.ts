import { describe, expect, it } from 'vitest'
import { addDeviceEndpoint, DEVICE, DEVICE_GRANT } from './device-endpoint.ts'
import { testKey } from './keys.ts'
import { ISSUER, json, OTHER_ISSUER, SERVER, World } from './world.ts'

const REGISTER = `POST ${ISSUER}/register`
const KEY = { server: SERVER, profile: 'default' }
const DOCUMENT = 'https://app.example.com/client.json'

/** A world whose device clients register themselves. */
function devices(answers: Parameters<typeof addDeviceEndpoint>[1] = []) {
  const world = new World()
  world.routes.set(REGISTER, () => json({ client_id: 'registered-1', token_endpoint_auth_method: 'none' }, 201))
  const endpoint = addDeviceEndpoint(world, answers)
  return { world, endpoint, ...world.client({ grant: endpoint.grant(), ...endpoint.options }) }
}

const registrations = (world: World) => world.to(REGISTER).map(({ body }) => JSON.parse(body) as object)
const stored = async (world: World) => (await world.store.get(KEY))?.record.issuers[ISSUER]

describe('the client of a login on another device', () => {
  it('R-DEVICE-1 registers for its own grant, without a redirect URI', async () => {
    const { world, fetch } = devices()
    expect((await fetch(SERVER)).status).toBe(200)
    const [registration, ...more] = registrations(world)
    expect(more).toEqual([])
    expect(registration).toMatchObject({ grant_types: [DEVICE_GRANT, 'refresh_token'] })
    expect(registration).not.toHaveProperty('redirect_uris')
    expect(registration).not.toHaveProperty('response_types', ['code'])
    expect(world.to(DEVICE)[0]!.form.get('client_id')).toBe('registered-1')
  })

  it('R-SCOPE-5 asks for offline_access where the server has it, in the registration too', async () => {
    const { world, session } = devices()
    world.serverMetadata = { ...world.serverMetadata, scopes_supported: ['files', 'offline_access'] }
    world.challenge += ', scope="files"'
    await session.login()
    expect(world.to(DEVICE)[0]!.form.get('scope')).toBe('files offline_access')
    expect(registrations(world)[0]).toMatchObject({ scope: 'files offline_access' })
  })

  it('R-SCOPE-9 a refusal of offline_access at the device endpoint is learnt from', async () => {
    const { world, session } = devices()
    world.serverMetadata = { ...world.serverMetadata, scopes_supported: ['files', 'offline_access'] }
    world.challenge += ', scope="files"'
    const asked: (string | null)[] = []
    const honest = world.routes.get(DEVICE)!
    world.routes.set(DEVICE, seen => {
      asked.push(seen.form.get('scope'))
      return asked.at(-1)!.includes('offline') ? json({ error: 'invalid_scope' }, 400) : honest(seen)
    })
    expect(await session.login()).toMatchObject({ loggedIn: true })
    expect(asked).toEqual(['files offline_access', 'files'])
  })

  it('R-DEVICE-1 after an abandoned login the registration is used again', async () => {
    const { world, session } = devices([() => json({ error: 'access_denied' }, 400)])
    await expect(session.login()).rejects.toMatchObject({ code: 'authorization_refused' })
    expect(await session.login()).toMatchObject({ loggedIn: true, clientId: 'registered-1' })
    expect(world.count(REGISTER)).toBe(1)
  })

  it.each([
    ['the device endpoint', DEVICE],
    ['the token endpoint', `POST ${ISSUER}/token`],
  ])('R-REFRESH-4 a client that %s no longer knows is registered anew, once', async (_, where) => {
    const { world, session } = devices()
    await session.login()
    await session.logout()
    let id = 1
    world.routes.set(REGISTER, () => json({ client_id: `registered-${++id}`, token_endpoint_auth_method: 'none' }, 201))
    const honest = world.routes.get(where)!
    world.routes.set(where, seen =>
      seen.form.get('client_id') === 'registered-1' ? json({ error: 'invalid_client' }, 401) : honest(seen),
    )
    expect(await session.login()).toMatchObject({ loggedIn: true, clientId: 'registered-2' })
    expect(world.count(REGISTER)).toBe(2)
  })

  it('R-REFRESH-4 a server that knows no client at all is not registered with for ever', async () => {
    const { world, session } = devices()
    world.routes.set(DEVICE, () => json({ error: 'invalid_client' }, 401))
    await expect(session.login()).rejects.toMatchObject({ detail: { oauthError: 'invalid_client' } })
    expect(world.count(REGISTER)).toBeLessThanOrEqual(3)
  })

  it('R-CIMD-1 a client-id metadata document names the client where the server takes one', async () => {
    const { world, endpoint } = devices()
    world.serverMetadata = { ...world.serverMetadata, client_id_metadata_document_supported: true }
    const session = world.session({ grant: endpoint.grant({ clientMetadataUrl: DOCUMENT }), ...endpoint.options })
    await session.login()
    expect(world.to(DEVICE)[0]!.form.get('client_id')).toBe(DOCUMENT)
    expect(world.count(REGISTER)).toBe(0)
  })

  it('R-DEVICE-1 a confidential client authenticates at both endpoints', async () => {
    const { world, endpoint } = devices()
    const client = { clientId: 'tv', clientSecret: 'tv-secret' }
    await world.session({ grant: endpoint.grant({ client }), ...endpoint.options }).login()
    const authorization = `Basic ${btoa('tv:tv-secret')}`
    const requests = [...world.to(DEVICE), ...endpoint.polls]
    expect(requests.map(({ headers }) => headers.get('authorization'))).toEqual([authorization, authorization])
  })

  it('R-CIMD-5 a client-id metadata document with a key authenticates at both endpoints', async () => {
    const { world, endpoint } = devices()
    world.serverMetadata = { ...world.serverMetadata, client_id_metadata_document_supported: true }
    const clientMetadataKey = { key: testKey('P-256').pem, algorithm: 'ES256' } as const
    const grant = endpoint.grant({ clientMetadataUrl: DOCUMENT, clientMetadataKey })
    await world.session({ grant, ...endpoint.options }).login()
    const assertions = [...world.to(DEVICE), ...endpoint.polls].map(({ form }) => form.get('client_assertion'))
    expect(assertions).toHaveLength(2)
    expect(new Set(assertions.map(assertion => assertion?.split('.').length))).toEqual(new Set([3]))
  })

  it('R-ISS-BIND a pinned authorization server is the only one that is asked', async () => {
    const { world, endpoint } = devices()
    const grant = endpoint.grant({ client: { clientId: 'tv', clientSecret: 'tv-secret' }, issuer: OTHER_ISSUER })
    await expect(world.session({ grant, ...endpoint.options }).login()).rejects.toMatchObject({
      code: 'issuer_mismatch',
    })
    expect([world.count(DEVICE), endpoint.polls.length]).toEqual([0, 0])
  })

  it('R-REFRESH-7 refreshed afterwards as the same client, by another session too', async () => {
    const { world, session, endpoint } = devices()
    await session.login()
    world.now += 3_590_000
    expect(await world.session({ grant: endpoint.grant() }).accessToken()).toBe('access-2')
    expect(Object.fromEntries(world.refreshes[0]!.form)).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'refresh-1',
      resource: SERVER,
      client_id: 'registered-1',
    })
    expect(world.count(DEVICE)).toBe(1)
  })

  it("R-REFRESH-6 the login is a person's", async () => {
    const { world, session } = devices()
    expect(await session.login()).not.toHaveProperty('withoutPerson')
    expect((await stored(world))?.grant).toMatchObject({ clientId: 'registered-1', resource: SERVER })
  })
})

describe('several sessions', () => {
  it('field M8: only one asks the person, the other uses what comes of it', async () => {
    const world = new World()
    const endpoint = addDeviceEndpoint(world)
    let approve: (() => void) | undefined
    const approved = new Promise<void>(resolve => (approve = resolve))
    // Between two polls the person takes all the time; between two looks at the record little passes.
    const sleep = (ms: number) => (ms >= 5_000 ? approved : new Promise<void>(resolve => setTimeout(resolve, ms / 20)))
    const [one, other] = [1, 2].map(() =>
      world.client({ grant: endpoint.grant({ client: { clientId: 'tv' } }), sleep }),
    )
    const responses = Promise.all([one!.fetch(SERVER), other!.fetch(SERVER)])
    await world.until(() => world.events.some(({ type }) => type === 'waitingForLogin'))
    approve?.()
    expect((await responses).map(({ status }) => status)).toEqual([200, 200])
    expect([endpoint.shown.length, world.count(DEVICE), endpoint.polls.length]).toEqual([1, 1, 1])
  })
})
