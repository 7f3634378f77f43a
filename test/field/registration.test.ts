import { describe, expect, it } from 'vitest'
import { createLife, failureOf } from './life.ts'

const REDIRECT_URI = 'http://127.0.0.1:33418/callback'
const bodies = (life: ReturnType<typeof createLife>): any[] =>
  life.server.requestsTo('registration').map(({ json }) => json)

describe('field cases: registration', () => {
  it('field R1: without registration, the error names the redirect URI to register, and a configured client works', async () => {
    const life = createLife({
      registrationOffered: false,
      clients: [{ clientId: 'mine', redirectUris: [REDIRECT_URI] }],
    })
    const error = await failureOf(life.client().call('echo'))
    expect([error.code, error.detail.hint]).toEqual(['registration_required', expect.stringContaining(REDIRECT_URI)])
    expect((await life.client({ grant: { client: { clientId: 'mine' } } }).call('echo')).status).toBe(200)
    expect(bodies(life)).toEqual([])
  })

  it('field R1: a client id metadata document goes before dynamic registration', async () => {
    const clientMetadataUrl = 'https://client.example/metadata.json'
    const life = createLife({ clientIdMetadataDocumentSupported: true })
    expect((await life.client({ grant: { clientMetadataUrl } }).call('echo')).status).toBe(200)
    expect(bodies(life)).toEqual([])
    expect(life.authorizations()[0]?.searchParams.get('client_id')).toBe(clientMetadataUrl)
  })

  it('field R2: a rejected registration shows status and text and what to do instead', async () => {
    const life = createLife({ registration: 'refused' })
    const { code, detail } = await failureOf(life.client().call('echo'))
    expect([code, detail.status, detail.received]).toEqual([
      'registration_rejected',
      403,
      'Forbidden: this client is not on the allow list',
    ])
    expect(detail.hint).toMatch(/approved clients.*API key/)
    expect(bodies(life)).toHaveLength(1)
    expect(life.authorizations()).toEqual([])
  })

  it('field R3: a client that the server forgot is dropped at the refresh and registered anew once, at the next login', async () => {
    const life = createLife()
    const client = life.client()
    await client.call('echo')
    life.server.forgetClients()
    life.expire()
    expect((await client.call('echo')).status).toBe(200)
    expect(bodies(life)).toHaveLength(2)
    expect(life.authorizations()).toHaveLength(2)
    expect(life.issues('registered')[1]).toMatchObject({ reason: expect.any(String) })
  })

  it('field R4: logging in again reuses the registration', async () => {
    const life = createLife()
    const client = life.client()
    await client.session.login()
    await client.session.login({ force: true })
    await life.client().session.login({ force: true })
    expect(bodies(life)).toHaveLength(1)
  })

  it('field R5: the registered redirect URI is asked for first', async () => {
    const life = createLife()
    await life.client().session.login()
    const again = life.client({ person: { redirectUri: 'http://127.0.0.1:5/callback' } })
    await again.session.login({ force: true })
    expect(again.person.preparations[0]?.preferredRedirectUris).toEqual([REDIRECT_URI])
    expect(bodies(life)).toHaveLength(1)
  })

  it('field R5: when its port cannot be had, a new client is registered, and until that login completes the old one refreshes', async () => {
    const life = createLife()
    await life.client().session.login()
    const denied = life.client({
      person: { takesPreferred: false, redirectUri: 'http://127.0.0.1:5/callback', deny: true },
    })
    expect(await failureOf(denied.session.login({ force: true }))).toMatchObject({ code: 'authorization_refused' })
    expect(bodies(life)).toHaveLength(2)
    life.expire()
    expect(await life.client({ interactive: false }).session.accessToken()).toMatch(/^canary-access/)
  })

  it.each(['client_secret_post', 'client_secret_basic'])(
    'field R7: the answer governs when it assigns %s instead of none',
    async registrationMethod => {
      const life = createLife({ registrationMethod })
      await life.client().call('echo')
      life.expire()
      expect((await life.client({ interactive: false }).call('echo')).status).toBe(200)
      expect(bodies(life)[0].token_endpoint_auth_method).toBe('none')
      const inBody = life.server
        .requestsTo('token')
        .map(({ form, headers }) => [form?.has('client_secret'), 'authorization' in headers])
      const expected = registrationMethod === 'client_secret_post' ? [true, false] : [false, true]
      expect(inBody).toEqual([expected, expected])
    },
  )

  it('field R8: the body is complete, with the scope that will be asked for, offline_access included', async () => {
    const life = createLife({ registeredScopesOnly: true })
    expect((await life.client().call('echo')).status).toBe(200)
    expect(bodies(life)[0]).toMatchObject({
      redirect_uris: [REDIRECT_URI],
      scope: 'files:read offline_access',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      application_type: 'native',
    })
    expect(life.authorizations()[0]?.searchParams.get('scope')).toBe('files:read offline_access')
  })

  it('field R8: a step-up beyond the registered scope registers anew instead of failing', async () => {
    const life = createLife({ registeredScopesOnly: true })
    const client = life.client()
    await client.call('echo')
    expect((await client.call('write')).status).toBe(200)
  })

  it('field R9: a strict server gets registered members only', async () => {
    const life = createLife({ registration: 'strict' })
    expect((await life.client().call('echo')).status).toBe(200)
    expect(bodies(life)).toHaveLength(1)
  })

  it('field R9: a 400 is answered once with the minimal body', async () => {
    const life = createLife({ registration: 'minimal' })
    expect((await life.client().call('echo')).status).toBe(200)
    expect(bodies(life)).toHaveLength(2)
    expect(bodies(life)[1]).not.toHaveProperty('application_type')
  })

  it("field R10: a policy's own words are passed through, as data", async () => {
    const description = "Policy 'Trusted Hosts' rejected request:\u001b[31m host not trusted"
    const life = createLife({
      faults: { registration: { kind: 'oauth-error', error: 'insufficient_scope', description, status: 403 } },
    })
    const error = await failureOf(life.client().call('echo'))
    expect(error.message).toContain("Policy 'Trusted Hosts' rejected request:")
    expect(error.message).not.toContain('\u001b')
  })

  it('field R11: an unknown client is recognized by its error code although the status is 400', async () => {
    const life = createLife({ errorStatus: 400 })
    const client = life.client()
    await client.call('echo')
    life.server.forgetClients()
    life.expire()
    expect((await client.call('echo')).status).toBe(200)
    expect(life.server.requestsTo('token').map(({ status }) => status)).toEqual([200, 400, 200])
    expect(bodies(life)).toHaveLength(2)
  })

  it('field R12 R-CIMD-7 a document refused at the token endpoint falls back to registration once, remembered for the issuer', async () => {
    const clientMetadataUrl = 'https://client.example/metadata.json'
    const life = createLife({ clientIdMetadataDocumentSupported: true, clientIdMetadataDocument: 'refused-at-token' })
    const client = life.client({ grant: { clientMetadataUrl } })
    expect((await client.call('echo')).status).toBe(200)
    expect(life.authorizations().map(url => url.searchParams.get('client_id'))).toEqual([
      clientMetadataUrl,
      expect.stringMatching(/^client-/),
    ])
    await client.session.logout({ client: false })
    await life.client({ grant: { clientMetadataUrl } }).session.login()
    expect(life.authorizations()).toHaveLength(3)
    expect(bodies(life)).toHaveLength(1)
  })

  it.each(['true', 1, {}, ['true']])(
    'R-CIMD-1 %j in the metadata is not a promise to accept documents',
    async value => {
      const life = createLife({ clientIdMetadataDocumentSupported: value })
      await life.client({ grant: { clientMetadataUrl: 'https://client.example/metadata.json' } }).call('echo')
      expect(bodies(life)).toHaveLength(1)
    },
  )

  it('R-DCR-2 takes 200 for 201, and null and foreign members for absent', async () => {
    const life = createLife({ registrationStatus: 200, nullMembers: true, issuerMember: 'https://attacker.example' })
    const client = life.client()
    expect((await client.call('echo')).status).toBe(200)
    expect(await client.session.status()).toMatchObject({ issuer: life.server.issuer })
  })

  it.each([
    ['a secret method without a secret', { registrationMethod: 'client_secret_basic', registrationSecret: 'missing' }],
    ['a method that is not supported', { registrationMethod: 'tls_client_auth' }],
  ] as const)('R-DCR-2 %s fails at once, before anybody is asked', async (_, switches) => {
    const life = createLife(switches)
    expect(await failureOf(life.client().call('echo'))).toMatchObject({ code: 'registration_invalid' })
    expect(life.authorizations()).toEqual([])
  })
})
