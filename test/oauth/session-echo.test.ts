import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ISSUER, json, notFound, SERVER, World } from './world.ts'

const PUBLISHED = 'GET https://mcp.example.com/.well-known/oauth-protected-resource/mcp'

describe('servers that repeat what they were sent', () => {
  const long = 'x'.repeat(400)

  it('no error holds the refresh token, the code or the secret of a token request', async () => {
    const world = new World()
    const { session, fetch } = world.client({}, { client: { clientId: 'mine', clientSecret: 'canary-secret' } })
    await fetch(SERVER)
    const refreshToken = (await world.store.get({ server: SERVER, profile: 'default' }))?.record.issuers[ISSUER]?.grant
      ?.refreshToken
    world.routes.set(`POST ${ISSUER}/token`, ({ body }) => {
      const sent = `${[...new URLSearchParams(body).values()].join(' ')} canary-secret`
      return json({ error: 'invalid_request', error_description: `Invalid request: ${sent}` }, 400)
    })
    world.now += 4_000_000
    const refused = await session.accessToken().catch((error: unknown) => error)
    const denied = await session.login({ force: true }).catch((error: unknown) => error)
    const shown = inspect([refused, denied], { depth: 20, showHidden: true })
    expect(shown).toContain('Invalid request: ')
    expect(shown).toContain('[redacted]')
    expect(shown).not.toContain(refreshToken)
    expect(shown).not.toMatch(/canary-secret|refresh-\d|code-\d/)
    expect(shown).not.toContain(world.tokenRequests.at(-1)?.form.get('code_verifier'))
  })

  it('nor a part of it, where the text is cut', async () => {
    const world = new World()
    world.tokenResponse = { expires_in: 3600, refresh_token: long }
    const { session, fetch } = world.client()
    await fetch(SERVER)
    world.routes.set(`POST ${ISSUER}/token`, () =>
      json({ error: 'invalid_request', error_description: `Unknown token ${long}` }, 400),
    )
    world.now += 4_000_000
    await expect(session.accessToken()).rejects.toMatchObject({
      detail: { oauthErrorDescription: 'Unknown token [redacted]' },
    })
  })

  it('no report of a logout holds a token', async () => {
    const world = new World()
    const { session, fetch } = world.client()
    await fetch(SERVER)
    world.routes.set(`POST ${ISSUER}/revoke`, ({ form }) =>
      json({ error: 'invalid_request', error_description: `What is ${form.get('token')}?` }, 400),
    )
    const { revocations } = await session.logout()
    expect(revocations.map(({ error }) => error)).toEqual(
      Array.from({ length: 2 }, () => 'invalid_request: What is [redacted]?'),
    )
  })

  it('field T23: no error about a rejected token holds it', async () => {
    const world = new World()
    const { fetch } = world.client()
    world.accepts = () => false
    world.routes.set(`GET ${SERVER}`, ({ headers }) => {
      const token = headers.get('authorization')?.slice('Bearer '.length)
      if (token === undefined) return undefined
      const challenge = `Bearer error="invalid_token", error_description="Invalid access token: ${token}"`
      return new Response(null, { status: 401, headers: { 'www-authenticate': challenge } })
    })
    const error: unknown = await fetch(SERVER).catch((failure: unknown) => failure)
    expect(error).toMatchObject({
      code: 'fresh_token_rejected',
      detail: { oauthErrorDescription: 'Invalid access token: [redacted]' },
    })
    expect(String(error)).not.toMatch(/access-\d/)
  })
})

it.each<[string, (world: World) => void]>([
  [
    'the server does not answer',
    world => world.routes.set(`POST ${SERVER}`, () => Promise.reject(new TypeError('no'))),
  ],
  [
    'nothing is published and nothing asked for',
    world => {
      world.routes.set(`POST ${SERVER}`, () => json({}))
      world.routes.set(PUBLISHED, notFound)
    },
  ],
  [
    'nothing is published',
    world => {
      world.challenge = 'Bearer'
      world.routes.set(PUBLISHED, notFound)
    },
  ],
  ['others keep writing', world => (world.store.compareAndSet = async () => undefined)],
])('no error shows the query of the server URL, which may hold a key: %s', async (_, arrange) => {
  const world = new World()
  const server = `${SERVER}?key=canary`
  arrange(world)
  const error: unknown = await world
    .session({ server })
    .login()
    .catch((failure: unknown) => failure)
  expect(error).toBeInstanceOf(Error)
  expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('canary')
})
