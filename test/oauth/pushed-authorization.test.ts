import { describe, expect, it } from 'vitest'
import type { AuthorizationCodeOptions } from '../../src/oauth/flows/authorization-code.ts'
import { DpopWorld } from './dpop-world.ts'
import { ISSUER, json, SERVER, World, type Route } from './world.ts'

const PUSH = `POST ${ISSUER}/par`
const REGISTER = `POST ${ISSUER}/register`
const KEY = { server: SERVER, profile: 'default' }
const LONG = 600

interface Wishes {
  readonly required?: boolean
  readonly expiresIn?: unknown
  readonly world?: World
}

/** An authorization server that takes pushed requests; what is answered in turn, and then with a request URI. */
function pushing({ required = false, expiresIn = LONG, world = new World() }: Wishes = {}, ...answers: Route[]): World {
  world.serverMetadata = {
    ...world.serverMetadata,
    pushed_authorization_request_endpoint: `${ISSUER}/par`,
    ...(required && { require_pushed_authorization_requests: true }),
  }
  world.routes.set(PUSH, async seen => {
    const { form } = seen
    return (
      (await answers.shift()?.(seen)) ??
      json({ request_uri: `urn:request:${form.get('state')}`, expires_in: expiresIn }, 201)
    )
  })
  // The state is in what was pushed.
  const approve = world.approve.bind(world)
  world.approve = async url => {
    const pushed = url.searchParams.get('request_uri')?.replace('urn:request:', '')
    const answer = await approve(url)
    if (pushed !== undefined) answer.set('state', pushed)
    return answer
  }
  return world
}

const client = (world: World, grant: AuthorizationCodeOptions = {}) => world.client({}, grant)
const page = (world: World, index = -1) => Object.fromEntries(world.authorizations.at(index)!.url.searchParams)

describe('pushed authorization requests', () => {
  it('RFC 9126: what would have been in the address is pushed, and the address names it only', async () => {
    const world = pushing()
    world.challenge += ', scope="files"'
    expect((await client(world).fetch(SERVER)).status).toBe(200)
    const [pushed] = world.to(PUSH)
    expect(Object.fromEntries(pushed!.form)).toEqual({
      response_type: 'code',
      client_id: 'client-1',
      redirect_uri: 'http://127.0.0.1:4711/callback',
      state: expect.any(String) as string,
      code_challenge: expect.any(String) as string,
      code_challenge_method: 'S256',
      scope: 'files',
      resource: SERVER,
    })
    expect(pushed!.headers.get('content-type')).toMatch(/^application\/x-www-form-urlencoded/u)
    expect(page(world)).toEqual({ client_id: 'client-1', request_uri: `urn:request:${pushed!.form.get('state')}` })
  })

  it.each<[string, boolean, unknown, boolean]>([
    ['required, however short it lives', true, 10, true],
    ['required, with no life named', true, null, true],
    ['offered, and long enough for a person', false, 300, true],
    ['offered, too short for a person who copies the address', false, 299, false],
    ['offered, with no life named', false, null, false],
    ['offered, with a life that is no number', false, 'long', false],
  ])('the pushed request is used where it is %s', async (_, required, expiresIn, used) => {
    const world = pushing({ required, expiresIn })
    expect((await client(world).fetch(SERVER)).status).toBe(200)
    expect('request_uri' in page(world)).toBe(used)
    expect('code_challenge' in page(world)).toBe(!used)
  })

  it('is not tried where it is not offered', async () => {
    const world = pushing()
    world.serverMetadata = { require_pushed_authorization_requests: true }
    await client(world).fetch(SERVER)
    expect(world.count(PUSH)).toBe(0)
  })

  it.each<[string, Route]>([
    ['503', () => new Response('', { status: 503 })],
    ['404 with HTML', () => new Response('<html>', { status: 404, headers: { 'content-type': 'text/html' } })],
    ['a 200 without a request URI', () => json({ expires_in: LONG })],
    ['a network fault', () => Promise.reject(new TypeError('fetch failed'))],
    ['a redirect', () => new Response('', { status: 302, headers: { location: 'https://elsewhere.example.com/' } })],
  ])('an endpoint that answers %s is passed over, unless pushing is required', async (_, answer) => {
    const world = pushing({}, answer)
    expect((await client(world).fetch(SERVER)).status).toBe(200)
    expect(page(world)).toHaveProperty('code_challenge')

    const strict = pushing({ required: true }, answer)
    await expect(client(strict).fetch(SERVER)).rejects.toThrow()
    expect(strict.authorizations).toHaveLength(0)
    expect((await strict.store.get(KEY))?.record.pendingLogins ?? {}).toEqual({})
  })

  it('an endpoint over plain http gets nothing', async () => {
    const world = pushing({ required: true })
    world.serverMetadata = {
      ...world.serverMetadata,
      pushed_authorization_request_endpoint: 'http://as.example.com/par',
    }
    await expect(client(world).fetch(SERVER)).rejects.toThrow()
    expect(world.seen.some(({ url }) => url.protocol === 'http:')).toBe(false)
  })

  it('a refusal is known before any browser opens, and shown', async () => {
    const refuse = () => json({ error: 'invalid_target', error_description: 'no such server' }, 400)
    const world = pushing({}, refuse)
    await expect(client(world).fetch(SERVER)).rejects.toMatchObject({
      code: 'authorization_refused',
      message: expect.stringContaining('no such server') as string,
      detail: { oauthError: 'invalid_target' },
    })
    expect(world.authorizations).toHaveLength(0)
    expect((await world.store.get(KEY))?.record.pendingLogins ?? {}).toEqual({})
  })

  it('R-REFRESH-4 a client that is no longer known is registered anew, once, and no browser opened for the first', async () => {
    const world = pushing()
    const { session } = client(world)
    await session.login()
    await session.logout()
    const honest = world.routes.get(PUSH)!
    world.routes.set(PUSH, seen =>
      seen.form.get('client_id') === 'client-1' ? json({ error: 'invalid_client' }, 401) : honest(seen),
    )
    const before = world.authorizations.length
    expect(await session.login()).toMatchObject({ loggedIn: true })
    expect([world.count(REGISTER), world.authorizations.length - before]).toEqual([2, 1])
    expect(page(world)['client_id']).not.toBe('client-1')
  })

  it('R-SCOPE-9 a refusal of offline_access is learnt from before any browser opens', async () => {
    const world = pushing()
    world.serverMetadata = { ...world.serverMetadata, scopes_supported: ['files', 'offline_access'] }
    world.challenge += ', scope="files"'
    const honest = world.routes.get(PUSH)!
    world.routes.set(PUSH, seen =>
      seen.form.get('scope')!.includes('offline') ? json({ error: 'invalid_scope' }, 400) : honest(seen),
    )
    expect((await client(world).fetch(SERVER)).status).toBe(200)
    expect(world.to(PUSH).at(-1)!.form.get('scope')).toBe('files')
    expect(world.authorizations).toHaveLength(1)
  })

  it.each<[string, NonNullable<AuthorizationCodeOptions['client']>]>([
    ['client_secret_basic', { clientId: 'web', clientSecret: 'web-secret' }],
    [
      'client_secret_post',
      { clientId: 'web', clientSecret: 'web-secret', tokenEndpointAuthMethod: 'client_secret_post' },
    ],
  ])('R-TOKEN-2 a confidential client authenticates, and the form names it: %s', async (method, registered) => {
    const world = pushing()
    await client(world, { client: registered }).fetch(SERVER)
    const { form, headers } = world.to(PUSH)[0]!
    // An authorization request parameter (RFC 9126 §2.1), however the client authenticates.
    expect(form.get('client_id')).toBe('web')
    const basic = `Basic ${btoa('web:web-secret')}`
    expect([headers.get('authorization'), form.get('client_secret')]).toEqual(
      method === 'client_secret_basic' ? [basic, null] : [null, 'web-secret'],
    )
    expect(page(world)).not.toHaveProperty('client_secret')
  })

  it('RFC 9126 §4: parameters of the authorization endpoint itself stay in the address', async () => {
    const world = pushing()
    world.serverMetadata = { ...world.serverMetadata, authorization_endpoint: `${ISSUER}/authorize?tenant=t1` }
    await client(world).fetch(SERVER)
    expect(page(world)).toMatchObject({ tenant: 't1', request_uri: expect.any(String) as string })
    expect(world.to(PUSH)[0]!.form.has('tenant')).toBe(false)
  })

  it('parameters of the configuration are pushed', async () => {
    const world = pushing()
    await client(world, { authorizationParameters: { prompt: 'consent' } }).fetch(SERVER)
    expect(world.to(PUSH)[0]!.form.get('prompt')).toBe('consent')
    expect(page(world)).not.toHaveProperty('prompt')
  })

  it('R-DPOP-1 the key is named in what is pushed', async () => {
    const world = new DpopWorld()
    pushing({ world })
    expect((await client(world).fetch(SERVER)).status).toBe(200)
    expect(world.to(PUSH)[0]!.form.get('dpop_jkt')).toBe(world.proofs[0]!.thumbprint)
  })

  it('a login that another session finishes may have been pushed', async () => {
    const world = pushing()
    const { url } = await client(world).session.beginLogin({ redirectUri: 'http://127.0.0.1:4711/callback' })
    expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri'])
    const answer = await world.approve(url)
    expect(await client(world).session.finishLogin(answer)).toMatchObject({ loggedIn: true })
  })

  it('R-TOKEN-3 a caller that gives up while the request is pushed leaves no pending login behind', async () => {
    const world = pushing()
    world.routes.set(PUSH, () => new Promise(() => undefined))
    const controller = new AbortController()
    const { session } = client(world)
    const login = session.login({ signal: controller.signal })
    await world.until(() => world.count(PUSH) === 1)
    controller.abort()
    await expect(login).rejects.toMatchObject({ code: 'aborted' })
    await session.close()
    expect((await world.store.get(KEY))?.record.pendingLogins ?? {}).toEqual({})
    expect(world.authorizations).toHaveLength(0)
  })
})
