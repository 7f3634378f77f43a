import { expect, it } from 'vitest'
import type { GrantStrategy } from '../../src/oauth/grant-strategy.ts'
import type { OAuthSession } from '../../src/oauth/session.ts'
import { withOAuth } from '../../src/oauth/with-oauth.ts'
import { ISSUER, SERVER, World } from './world.ts'

/** A grant without a person, as an extension would write it. */
const machine: GrantStrategy = {
  name: 'client_credentials',
  interactive: false,
  usesRedirect: false,
  grantTypes: ['client_credentials'],
  client: { clientId: 'machine', clientSecret: 'hush', tokenEndpointAuthMethod: 'client_secret_post' },
  async obtain({ scope, target, redeem }) {
    const { resource = '' } = target
    await redeem(new URLSearchParams({ grant_type: 'client_credentials', resource, ...(scope && { scope }) }))
  },
}

function machineSession(world: World): OAuthSession {
  return world.session({ grant: machine, interactive: false })
}

it('a grant without a person plugs in without touching the session, and interactive false does not concern it', async () => {
  const world = new World()
  world.challenge = 'Bearer scope="a"'
  world.serverMetadata = { code_challenge_methods_supported: undefined, scopes_supported: ['a', 'offline_access'] }
  const session = machineSession(world)
  expect((await withOAuth(world.fetch, session)(SERVER)).status).toBe(200)
  expect(Object.fromEntries(world.tokenRequests[0]!.form)).toEqual({
    grant_type: 'client_credentials',
    resource: SERVER,
    scope: 'a',
    client_id: 'machine',
    client_secret: 'hush',
  })
  expect(await session.status()).toMatchObject({ loggedIn: true, registration: 'pre-registered', issuer: ISSUER })
})

it('such a grant gets a token whenever one is asked for, once for concurrent callers', async () => {
  const world = new World()
  world.givesRefreshToken = false
  const session = machineSession(world)
  await Promise.all([session.accessToken(), session.accessToken()])
  expect(world.tokenRequests).toHaveLength(1)
  world.now += 4_000_000
  await session.accessToken()
  expect(world.tokenRequests).toHaveLength(2)
})

it('such a grant has no page to send anybody to', async () => {
  const world = new World()
  await expect(machineSession(world).beginLogin({ redirectUri: 'http://127.0.0.1:1/' })).rejects.toMatchObject({
    code: 'configuration',
  })
  expect(world.seen).toHaveLength(0)
})
