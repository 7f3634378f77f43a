import { describe, expect, it } from 'vitest'
import { OAuthError } from '../../src/oauth/errors.ts'
import { addDeviceEndpoint, DEVICE, DEVICE_GRANT, pending, slowDown } from './device-endpoint.ts'
import { ISSUER, json, SERVER, World } from './world.ts'

const TOKEN = `POST ${ISSUER}/token`
const CLIENT = { client: { clientId: 'tv' } }
const formOf = ({ form }: { form: URLSearchParams }) => Object.fromEntries(form)

/** A world in which the polls are answered by `answers`, and one session that logs in on another device. */
function devices(answers: Parameters<typeof addDeviceEndpoint>[1] = [], world = new World()) {
  const endpoint = addDeviceEndpoint(world, answers)
  const { session, fetch } = world.client({ grant: endpoint.grant(CLIENT), ...endpoint.options })
  return { world, endpoint, session, fetch }
}

describe('a login on another device', () => {
  it('R-DEVICE-1 asks with scope and resource, shows the code, polls, and the call goes through', async () => {
    const { world, endpoint, fetch } = devices([pending])
    world.challenge += ', scope="mcp:tools"'
    endpoint.answer = { expires_in: 900, interval: 7, verification_uri_complete: `${ISSUER}/activate?code=WDJB-MJHT` }
    const startedAt = world.now
    expect((await fetch(SERVER)).status).toBe(200)
    expect(formOf(world.to(DEVICE)[0]!)).toEqual({ client_id: 'tv', scope: 'mcp:tools', resource: SERVER })
    expect(endpoint.shown).toEqual([
      {
        userCode: 'WDJB-MJHT',
        verificationUri: `${ISSUER}/activate`,
        verificationUriComplete: `${ISSUER}/activate?code=WDJB-MJHT`,
        expiresAt: startedAt + 900_000,
      },
    ])
    const poll = { grant_type: DEVICE_GRANT, device_code: 'device-code-1', resource: SERVER, client_id: 'tv' }
    expect(endpoint.polls.map(formOf)).toEqual([poll, poll])
    expect(world.slept).toEqual([7_000, 7_000])
    expect(world.authorizations).toHaveLength(0)
  })

  it('R-DEVICE-1 pending, slow_down (five seconds more, from then on), pending, done: exact waits', async () => {
    const { world, endpoint, session } = devices([pending, slowDown, pending, slowDown, pending])
    endpoint.answer = { expires_in: 600, interval: 5 }
    expect(await session.login()).toMatchObject({ loggedIn: true, clientId: 'tv' })
    expect(world.slept).toEqual([5_000, 5_000, 10_000, 10_000, 15_000, 15_000])
  })

  it('R-DEVICE-1 an interval that is missing is five seconds', async () => {
    const { world, session } = devices()
    await session.login()
    expect(world.slept).toEqual([5_000])
  })

  it('R-DEVICE-1 denied: a clear error, and no poll more', async () => {
    const { endpoint, session } = devices([pending, () => json({ error: 'access_denied' }, 400)])
    await expect(session.login()).rejects.toMatchObject({
      code: 'authorization_refused',
      detail: { oauthError: 'access_denied' },
    })
    expect(endpoint.polls).toHaveLength(2)
  })

  it('R-DEVICE-1 expired, as the server says', async () => {
    const { session } = devices([() => json({ error: 'expired_token' }, 400)])
    await expect(session.login()).rejects.toMatchObject({ code: 'login_timeout', detail: { hint: /new code/u } })
  })

  it('R-DEVICE-1 expired by our own clock: a server that says pending for ever is left alone', async () => {
    const { world, endpoint, session } = devices()
    world.routes.set(TOKEN, pending)
    endpoint.answer = { expires_in: 21, interval: 5 }
    await expect(session.login()).rejects.toMatchObject({ code: 'login_timeout' })
    expect(endpoint.polls).toHaveLength(4)
  })

  it.each<[string, () => Response | Promise<Response>]>([
    ['a network fault', () => Promise.reject(new TypeError('fetch failed'))],
    ['503', () => new Response('', { status: 503 })],
    ['429', () => new Response('', { status: 429 })],
    ['an HTML page', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
  ])('R-DEVICE-1 %s while polling: slower, and on', async (_, answer) => {
    const { world, session } = devices([pending, answer, answer, pending])
    expect(await session.login()).toMatchObject({ loggedIn: true })
    expect(world.slept).toEqual([5_000, 5_000, 10_000, 20_000, 20_000])
  })

  it('R-DEVICE-1 faults do not slow the polls to more than a minute', async () => {
    const fault = () => new Response('', { status: 503 })
    const { world, endpoint, session } = devices(Array.from({ length: 7 }, () => fault))
    endpoint.answer = { expires_in: 1_800 }
    await session.login()
    expect(world.slept).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000, 60_000])
  })

  it('R-DEVICE-1 a server that is down when the login begins is a retryable error', async () => {
    const { world, session } = devices()
    world.routes.set(DEVICE, () => new Response('', { status: 503 }))
    await expect(session.login()).rejects.toMatchObject({ code: 'token_unavailable', retryable: true })
  })

  it('R-DEVICE-1 only where it is advertised, and nobody is asked to try', async () => {
    const { world, endpoint, fetch } = devices()
    world.serverMetadata = {}
    await expect(fetch(SERVER)).rejects.toMatchObject({
      code: 'server_metadata_invalid',
      detail: { expected: /device_authorization_endpoint/u },
    })
    expect([world.count(DEVICE), endpoint.shown.length, world.tokenRequests.length]).toEqual([0, 0, 0])
  })

  it('R-DEVICE-1 a device endpoint over plain http gets nothing', async () => {
    const { world, session } = devices()
    world.serverMetadata = { device_authorization_endpoint: 'http://as.example.com/device' }
    await expect(session.login()).rejects.toThrow()
    expect(world.seen.some(({ url }) => url.protocol === 'http:')).toBe(false)
  })

  it('R-DEVICE-1 needs no authorization endpoint and no PKCE', async () => {
    const { world, session } = devices()
    world.serverMetadata = {
      ...world.serverMetadata,
      authorization_endpoint: undefined,
      code_challenge_methods_supported: undefined,
      response_types_supported: [],
    }
    expect(await session.login()).toMatchObject({ loggedIn: true })
  })

  it('where nobody may be asked, no code is fetched', async () => {
    const { world, endpoint } = devices()
    const { fetch } = world.client({ grant: endpoint.grant(CLIENT), interactive: false })
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'login_required' })
    expect(world.count(DEVICE)).toBe(0)
  })

  it('beginLogin sends nobody to a page: a clear error', async () => {
    const { session } = devices()
    const begun = session.beginLogin({ redirectUri: 'http://127.0.0.1:1/callback' })
    await expect(begun).rejects.toMatchObject({ code: 'configuration' })
  })

  it('R-DEVICE-1 neither events nor errors show the device code', async () => {
    const repeat = () => json({ error: 'invalid_grant', error_description: 'bad device-code-1' }, 400)
    const { world, session } = devices([pending, repeat])
    const error = await session.login().catch((thrown: unknown) => thrown as OAuthError)
    expect(error).toBeInstanceOf(OAuthError)
    const { message, detail } = error as OAuthError
    expect(JSON.stringify([message, detail, world.events])).not.toContain('device-code-1')
    expect(message).toContain('[redacted]')
  })
})

describe('ending a login on another device', () => {
  /** Real waiting, which a signal ends. */
  const forever = {
    sleep: (_: number, signal?: AbortSignal) =>
      new Promise<void>(resolve => signal?.addEventListener('abort', () => resolve(), { once: true })),
  }

  it('R-DEVICE-1 a signal stops the polls', async () => {
    const world = new World()
    const endpoint = addDeviceEndpoint(world)
    const session = world.session({ grant: endpoint.grant(CLIENT), ...forever })
    const controller = new AbortController()
    const login = session.login({ signal: controller.signal })
    await world.until(() => endpoint.shown.length === 1)
    controller.abort()
    await expect(login).rejects.toMatchObject({ code: 'aborted' })
    await session.close()
    expect(endpoint.polls).toHaveLength(0)
    expect((await world.store.get({ server: SERVER, profile: 'default' }))?.record.loginUnderWay).toBeUndefined()
  })

  it('R-DEVICE-1 its end is told to whoever shows the code, one way or the other', async () => {
    const signals: AbortSignal[] = []
    const onCode = (_: unknown, { signal }: { signal: AbortSignal }) => void signals.push(signal)
    for (const answers of [[], [() => json({ error: 'access_denied' }, 400)]]) {
      const world = new World()
      const endpoint = addDeviceEndpoint(world, answers)
      let during: boolean | undefined
      const sleep = async () => void (during = signals.at(-1)!.aborted)
      await world
        .session({ grant: endpoint.grant({ ...CLIENT, onCode }), sleep })
        .login()
        .catch(() => undefined)
      expect([during, signals.at(-1)!.aborted]).toEqual([false, true])
    }
  })

  it.each<[string, () => void | Promise<void>]>([
    [
      'throws',
      () => {
        throw new Error('no screen')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no screen'))],
    ['rejects later', () => new Promise((_, reject) => setImmediate(reject, new Error('no screen')))],
  ])('R-DEVICE-1 showing the code %s: the login ends, and so do the polls', async (_, onCode) => {
    const world = new World()
    const endpoint = addDeviceEndpoint(world)
    const waits: (() => void)[] = []
    const sleep = (__: number, signal?: AbortSignal) =>
      new Promise<void>(resolve => {
        signal?.addEventListener('abort', () => resolve(), { once: true })
        waits.push(resolve)
      })
    const session = world.session({ grant: endpoint.grant({ ...CLIENT, onCode }), sleep })
    await expect(session.login()).rejects.toMatchObject({
      code: 'configuration',
      cause: expect.objectContaining({ message: 'no screen' }) as Error,
    })
    for (const wake of waits) wake()
    await world.settle()
    expect(endpoint.polls).toHaveLength(0)
    expect(await session.status()).toMatchObject({ loggedIn: false })
  })

  it('R-DEVICE-1 showing the code may last as long as the login does', async () => {
    const world = new World()
    const endpoint = addDeviceEndpoint(world, [pending])
    const onCode = () => new Promise<void>(() => undefined)
    const session = world.session({ grant: endpoint.grant({ ...CLIENT, onCode }), ...endpoint.options })
    expect(await session.login()).toMatchObject({ loggedIn: true })
  })
})
