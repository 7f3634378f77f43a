import { describe, expect, it } from 'vitest'
import { createLife, failureOf, type Life } from './life.ts'

const asked = (life: Life) => life.authorizations().map(url => url.searchParams.get('scope'))

describe('field cases: scopes and step-up', () => {
  it('field S1: insufficient_scope leads to a new authorization and never to a refresh', async () => {
    const life = createLife()
    const client = life.client()
    await client.call('echo')
    expect((await client.call('write')).status).toBe(200)
    expect(life.refreshes()).toEqual([])
    expect(asked(life)).toEqual(['files:read offline_access', 'files:read offline_access files:write'])
  })

  it('field S2: scopes accumulate, so that two operations do not take turns', async () => {
    const life = createLife()
    const client = life.client()
    for (const tool of ['write', 'admin', 'write', 'admin', 'read']) expect((await client.call(tool)).status).toBe(200)
    expect(client.person.visits).toHaveLength(3)
    expect(asked(life).at(-1)?.split(' ').sort()).toEqual([
      'files:admin',
      'files:read',
      'files:write',
      'offline_access',
    ])
  })

  it('field S2: the union survives a restart, and an attempt that nobody could answer', async () => {
    const life = createLife()
    await life.client().call('echo')
    await failureOf(life.client({ interactive: false }).call('write'))
    await life.client().session.login({ force: true })
    expect(asked(life).at(-1)?.split(' ')).toContain('files:write')
  })

  it('field S3: without a person, step-up is a typed error with scopes and description', async () => {
    const life = createLife()
    await life.client().session.login()
    const error = await failureOf(life.client({ interactive: false }).call('write'))
    expect(error.code).toBe('step_up_required')
    expect(error.detail.scope.split(' ')).toEqual(expect.arrayContaining(['files:read', 'files:write']))
    expect(error.detail.oauthErrorDescription).toBe('More scope is needed')
    expect(life.authorizations()).toHaveLength(1)
  })

  it('field S4: a challenge for a scope that is held is final and names it', async () => {
    const life = createLife({ insufficientScope: 'challenge-always' })
    const client = life.client()
    await client.session.login()
    const error = await failureOf(client.call('read'))
    expect([error.code, error.detail.expected]).toEqual(['step_up_failed', 'files:read'])
    expect(error.detail.received).toContain('files:read')
    expect(client.person.visits).toHaveLength(1)
    expect(life.refreshes()).toEqual([])
  })

  it('field S4: a challenge that a step-up did not satisfy is final', async () => {
    const life = createLife({ grantedScope: 'files:read' })
    const client = life.client()
    const error = await failureOf(client.call('write'))
    expect(error.code).toBe('step_up_failed')
    expect(client.person.visits).toHaveLength(2)
  })

  it("field S5: the authorization server's catalogue is never asked for", async () => {
    const life = createLife({ resourceScopes: null })
    expect((await life.client().call('echo')).status).toBe(200)
    expect(life.authorizations()[0]?.searchParams.has('scope')).toBe(false)
  })

  it('field S6: the challenge wins over the resource metadata, which wins over the configuration', async () => {
    const life = createLife({
      challengeScope: 'files:write',
      serverScopes: ['files:read', 'files:write', 'files:admin'],
    })
    await life.client({ scope: 'files:admin' }).call('echo')
    const second = createLife({ serverScopes: ['files:read', 'files:admin'] })
    await second.client({ scope: 'files:admin' }).call('echo')
    const third = createLife({ resourceScopes: null, serverScopes: ['files:read', 'files:admin'] })
    await third.client({ scope: 'files:admin' }).call('echo')
    expect([asked(life), asked(second), asked(third)]).toEqual([['files:write'], ['files:read'], ['files:admin']])
  })

  it.each([{ resourceScopes: [] }, { resourceScopes: [], challengeScope: '' }, { resourceScopes: [''] }])(
    'field S8: %j omits the parameter',
    async switches => {
      const life = createLife(switches)
      expect((await life.client({ scope: '' }).call('echo')).status).toBe(200)
      expect(life.authorizations()[0]?.searchParams.has('scope')).toBe(false)
      expect(life.server.requestsTo('registration')[0]?.json).not.toHaveProperty('scope')
    },
  )

  it('field S9: no scope is invented', async () => {
    const life = createLife({ serverScopes: ['files:read', 'openid', 'profile'] })
    await life.client().call('echo')
    expect(asked(life)).toEqual(['files:read'])
  })

  it('field S10: a scope asked for at login wins over the metadata', async () => {
    const life = createLife()
    await life.client().session.login({ scope: 'files:admin' })
    expect(asked(life)[0]?.split(' ')).toEqual(['files:admin', 'offline_access'])
  })

  it('field S11: a subset that the person grants is accepted and stored', async () => {
    const life = createLife()
    const client = life.client({ person: { scope: 'files:read' } })
    expect(await client.session.login({ scope: 'files:read files:write' })).toMatchObject({
      scope: 'files:read',
      loggedIn: true,
    })
    expect((await client.call('read')).status).toBe(200)
  })

  it('field S13: insufficient_scope without a scope asks nobody and is told as it is', async () => {
    const life = createLife({ insufficientScope: 'challenge-without-scope' })
    const client = life.client()
    await client.session.login()
    expect(await failureOf(client.call('write'))).toMatchObject({ code: 'step_up_failed', detail: { status: 403 } })
    expect(client.person.visits).toHaveLength(1)
  })

  it('R-RETRY-1 a server that is never satisfied stops asking people after three logins for one operation', async () => {
    const life = createLife({ accessTokenLifetimeS: 0, expiresIn: { value: 3600 }, refreshToken: 'never' })
    const client = life.client()
    for (let calls = 0; calls < 6; calls += 1) await failureOf(client.call('echo'))
    expect(client.person.visits.length).toBeLessThanOrEqual(3)
  })
})
