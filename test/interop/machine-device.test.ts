import { describe, expect, it } from 'vitest'
import { answer, requestParameters } from '../../demo/src/leg.ts'
import { approve, type ScriptedUserOptions } from '../../demo/src/scripted-user.ts'
import { connect } from '../../src/client.ts'
import { createMemoryStore, device, type DeviceCode, withOAuth } from '../../src/oauth.ts'
import { CLIENT_METADATA_URL, CLIENTS } from './machine-clients.ts'
import { ACCESS_TOKEN_SECONDS, type MachineWorld, startMachineWorld } from './machine-world.ts'

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

const BOUND = { dpop: 'nonces', notesDpop: 'required', notesNonces: true } as const

const text = (result: { content: readonly object[] }): string => (result.content[0] as { text: string }).text

const clientMetadataDocument = {
  client_name: 'Latchkey',
  application_type: 'native',
  redirect_uris: [],
  response_types: [],
  grant_types: [DEVICE_CODE, 'refresh_token'],
  token_endpoint_auth_method: 'none',
}

interface PersonOptions extends ScriptedUserOptions {
  /** Waits of the session before the person acts; absent: never acts. */
  readonly actsAfter?: number
  /** Something else that happens at that time. */
  readonly instead?: () => Promise<void>
  readonly interactive?: boolean
}

/** A session on a device, with the person at another one. Its waits take no time, but its clock moves by them. */
function onDevice(world: MachineWorld, { actsAfter, instead, interactive = true, ...user }: PersonOptions) {
  const waits: number[] = []
  const shown: DeviceCode[] = []
  const store = createMemoryStore()
  const session = world.session({
    store,
    interactive,
    grant: device({ client: CLIENTS.device, onCode: code => void shown.push(code) }),
    sleep: async ms => {
      waits.push(ms)
      world.advance(ms)
      if (waits.length !== actsAfter) return
      if (instead) await instead()
      else await approve(shown.at(-1)!.verificationUriComplete!, user)
    },
  })
  return { session, store, waits, shown }
}

describe('the device grant against oidc-provider', () => {
  it('R-DEVICE-1 shows code and address, waits, and calls a tool', async () => {
    await using world = await startMachineWorld()
    const { session, waits, shown } = onDevice(world, { actsAfter: 3 })
    const client = await connect(world.mcpUrl, { fetch: withOAuth(fetch, session) })
    expect(text(await client.callTool('list_notes'))).toContain('Otters')

    expect(shown).toHaveLength(1)
    expect(shown[0]).toMatchObject({ verificationUri: `${world.issuer}/device` })
    expect(shown[0]!.verificationUriComplete).toContain(shown[0]!.userCode)
    const [begun] = world.at('/device/auth')
    expect(requestParameters(begun!)).toEqual({
      client_id: CLIENTS.device.clientId,
      scope: 'notes:read offline_access',
      resource: world.mcpUrl,
    })
    const polls = world.tokenRequests(DEVICE_CODE)
    expect(polls.map(leg => answer(leg)['error'])).toEqual([
      'authorization_pending',
      'authorization_pending',
      undefined,
    ])
    expect(polls.map(leg => requestParameters(leg)['resource'])).toEqual(Array(3).fill(world.mcpUrl))
    expect(waits).toEqual([5000, 5000, 5000])
    expect(await session.status()).toMatchObject({ loggedIn: true, refreshable: true })
    await client.close()
  })

  it('R-DEVICE-1 keeps a longer interval once the server says slow_down', async () => {
    await using world = await startMachineWorld()
    const { session, waits } = onDevice(world, { actsAfter: 3 })
    world.refuseTokens({ error: 'slow_down' })
    await session.login()
    expect(waits).toEqual([5000, 10_000, 10_000])
  })

  it('R-DEVICE-1 a refusal on the other device ends the wait', async () => {
    await using world = await startMachineWorld()
    const { session } = onDevice(world, { actsAfter: 2, deny: true })
    await expect(session.login()).rejects.toMatchObject({
      code: 'authorization_refused',
      detail: { oauthError: 'access_denied' },
    })
    expect(world.tokenRequests()).toHaveLength(2)
    expect((await session.status()).loggedIn).toBe(false)
  })

  it('R-DEVICE-1 a code that expired at the server ends the wait', async () => {
    await using world = await startMachineWorld()
    const { session } = onDevice(world, { actsAfter: 2, instead: () => world.expireDeviceCode() })
    await expect(session.login()).rejects.toMatchObject({ code: 'login_timeout' })
    expect(world.tokenRequests().map(leg => answer(leg)['error'])).toEqual(['authorization_pending', 'expired_token'])
  })

  it('R-DEVICE-1 asks no more once the time of the code is over', async () => {
    await using world = await startMachineWorld()
    const { session, waits } = onDevice(world, {})
    await expect(session.login()).rejects.toMatchObject({ code: 'login_timeout' })
    expect(waits.reduce((sum, wait) => sum + wait)).toBeGreaterThanOrEqual(600_000)
    expect(world.tokenRequests()).toHaveLength(waits.length - 1)
  })

  it('R-DEVICE-1 is not tried where it is not advertised, and never without a person', async () => {
    await using world = await startMachineWorld({ deviceFlow: false })
    const { session } = onDevice(world, { actsAfter: 1 })
    await expect(session.login()).rejects.toMatchObject({ code: 'server_metadata_invalid' })
    expect(world.tokenRequests()).toEqual([])

    await using other = await startMachineWorld()
    const alone = onDevice(other, { interactive: false })
    const connecting = connect(other.mcpUrl, { fetch: withOAuth(fetch, alone.session) })
    await expect(connecting).rejects.toMatchObject({ code: 'login_required' })
    expect(other.at('/device/auth')).toEqual([])
  })

  it('R-DEVICE-1 a code that cannot be shown ends the login, and nobody goes on asking', async () => {
    await using world = await startMachineWorld()
    let wait = (): void => {}
    const session = world.session({
      grant: device({ client: CLIENTS.device, onCode: async () => Promise.reject(new Error('no display')) }),
      sleep: () => new Promise(resolve => (wait = resolve)),
    })
    await expect(session.login()).rejects.toMatchObject({ code: 'configuration', cause: { message: 'no display' } })
    wait()
    // Longer than it would take to ask.
    for (let round = 0; round < 5; round += 1) await (await fetch(`${world.issuer}/jwks`)).text()
    expect(world.tokenRequests()).toEqual([])
  })

  it('R-DCR-1 registers itself where no client is given, and can be deleted again', async () => {
    await using world = await startMachineWorld()
    let open = ''
    const session = world.session({
      grant: device({ onCode: code => void (open = code.verificationUriComplete!) }),
      sleep: async () => void (await approve(open)),
    })
    const client = await connect(world.mcpUrl, { fetch: withOAuth(fetch, session) })
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    expect(world.at('/reg').map(leg => leg.status)).toEqual([201])
    expect(await session.status()).toMatchObject({ registration: 'dynamic', refreshable: true })
    const { deletions } = await session.logout({ client: true })
    expect(deletions).toEqual([expect.objectContaining({ ok: true })])
    await client.close()
  })

  it.each([
    ['a document that it can use', CLIENT_METADATA_URL, 'client-id-metadata-document', 0],
    ['another one registered, for a document that it cannot use', 'https://client.example/another.json', 'dynamic', 1],
  ] as const)('R-CIMD-7 the server is given %s', async (_name, named, registration, registered) => {
    const document = { ...clientMetadataDocument, client_id: named }
    await using world = await startMachineWorld({ clientMetadataDocument: document })
    let open = ''
    const session = world.session({
      grant: device({
        clientMetadataUrl: CLIENT_METADATA_URL,
        onCode: code => void (open = code.verificationUriComplete!),
      }),
      sleep: async () => void (await approve(open)),
    })
    await session.login()
    expect(await session.status()).toMatchObject({ loggedIn: true, registration })
    expect(world.at('/reg')).toHaveLength(registered)
  })

  it('R-REFRESH-1 refreshes silently, and after a restart, without a new code', async () => {
    await using world = await startMachineWorld()
    const { session, store, shown } = onDevice(world, { actsAfter: 1 })
    await session.login()
    world.advance(ACCESS_TOKEN_SECONDS * 1000)
    const grant = device({ client: CLIENTS.device, onCode: code => void shown.push(code) })
    const restarted = world.session({ grant, store, interactive: false })
    const client = await connect(world.mcpUrl, { fetch: withOAuth(fetch, restarted) })
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    expect(world.tokenRequests('refresh_token').map(leg => leg.status)).toEqual([200])
    expect(shown).toHaveLength(1)
    await client.close()
  })

  it('R-DPOP-1 binds the tokens to one key, from the first poll on', async () => {
    await using world = await startMachineWorld({ ...BOUND, accessTokenSeconds: 60 })
    const { session } = onDevice(world, { actsAfter: 2 })
    const client = await connect(world.mcpUrl, { fetch: withOAuth(fetch, session) })
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    world.advance(60_000)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    expect(world.tokenRequests('refresh_token').map(leg => leg.status)).toEqual([200])
    expect(await session.status()).toMatchObject({ dpop: true, refreshable: true })
    expect(world.notes.refusals).toEqual(['nonce'])
    await client.close()
  })

  it('logout revokes: the refresh token is dead at the server', async () => {
    await using world = await startMachineWorld()
    const { session } = onDevice(world, { actsAfter: 1 })
    await session.login()
    const { refresh_token: refreshToken } = answer(world.tokenRequests().at(-1)!)
    const report = await session.logout()
    expect(report.revocations).toContainEqual(expect.objectContaining({ token: 'refresh_token', ok: true }))
    const replay = await fetch(`${world.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: CLIENTS.device.clientId,
        refresh_token: String(refreshToken),
      }),
    })
    expect(await replay.json()).toMatchObject({ error: 'invalid_grant' })
  })
})
