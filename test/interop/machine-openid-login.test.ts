import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { type Leg, requestParameters } from '../../demo/src/leg.ts'
import { connect } from '../../src/client.ts'
import {
  createMemoryStore,
  type CredentialStore,
  identityAssertion,
  openIdLogin,
  type OpenIdLogin,
  withOAuth,
} from '../../src/oauth.ts'
import { TOKEN_EXCHANGE } from './machine-assertions.ts'
import { CLIENTS, ENTERPRISE_SSO_CLIENT } from './machine-clients.ts'
import { type MachineWorld, startMachineWorld } from './machine-world.ts'
import { scriptedAuthorizer } from './protected-notes.ts'

const text = (result: { content: readonly object[] }): string => (result.content[0] as { text: string }).text

/** The life of the identity provider's ID tokens. */
const ID_TOKEN_MS = 3_600_000

const employee = (world: MachineWorld, store: CredentialStore): OpenIdLogin =>
  openIdLogin({
    issuer: world.identityProvider.issuer,
    client: ENTERPRISE_SSO_CLIENT,
    authorizer: scriptedAuthorizer(),
    store,
    now: () => world.now(),
  })

const atIdentityProvider = (world: MachineWorld, grantType: string): readonly Leg[] =>
  world.legs.filter(leg => leg.server === 'identity provider' && requestParameters(leg)['grant_type'] === grantType)

const logins = (world: MachineWorld): readonly Leg[] =>
  world.legs.filter(
    leg => leg.server === 'identity provider' && leg.url.pathname === '/auth' && leg.url.searchParams.has('state'),
  )

describe('a login at oidc-provider as the identity provider of an enterprise', () => {
  it('R-IDJAG-1 one login lets a person call a tool, after a restart and when tokens expire, without being asked again', async () => {
    await using world = await startMachineWorld()
    const store = createMemoryStore()
    const issuer = world.issuer
    for (let start = 0; start < 2; start++) {
      await using login = employee(world, store)
      const grant = identityAssertion({ identityProvider: login, client: CLIENTS.enterprise, issuer })
      const client = await connect(world.mcpUrl, { fetch: withOAuth(fetch, world.session({ grant, store })) })
      expect(text(await client.callTool('list_notes'))).toContain('Otters')
      await client.close()
      world.advance(ID_TOKEN_MS)
    }
    expect(logins(world)).toHaveLength(1)
    const parameters = logins(world)[0]!.url.searchParams
    expect(parameters.get('scope')).toBe('openid offline_access')
    expect(parameters.has('resource')).toBe(false)
    expect(atIdentityProvider(world, 'refresh_token').map(({ status }) => status)).toEqual([200])
    const shown = atIdentityProvider(world, TOKEN_EXCHANGE).map(leg => requestParameters(leg)['subject_token'] ?? '')
    expect(new Set(shown).size).toBe(2)
    expect(decodeJwt(shown[0]!)).toMatchObject({ sub: 'ada', nonce: parameters.get('nonce') })
  })

  it('logout forgets the login, and whoever needs it next asks the person again', async () => {
    await using world = await startMachineWorld()
    await using login = employee(world, createMemoryStore())
    const first = await login.idToken()
    await login.logout()
    await expect(login.idToken({ interactive: false })).rejects.toMatchObject({ code: 'login_required' })
    expect(await login.idToken()).not.toBe(first)
    expect(logins(world)).toHaveLength(2)
  })
})
