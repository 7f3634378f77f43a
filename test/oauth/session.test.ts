import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ISSUER, SERVER, World } from './world.ts'

const post = { method: 'POST', body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' }

describe('from a 401 to an answer', () => {
  it('discovers, registers, authorizes, redeems and sends the request again', async () => {
    const world = new World()
    const { fetch, session } = world.client()
    const response = await fetch(SERVER, post)
    expect(response.status).toBe(200)
    expect(world.seen.map(({ method, url }) => `${method} ${url.origin}${url.pathname}`)).toEqual([
      `POST ${SERVER}`,
      'GET https://mcp.example.com/.well-known/oauth-protected-resource/mcp',
      `GET ${ISSUER}/.well-known/oauth-authorization-server`,
      `POST ${ISSUER}/register`,
      `GET ${ISSUER}/authorize`,
      `POST ${ISSUER}/token`,
      `POST ${SERVER}`,
    ])
    expect(world.seen.at(-1)?.body).toBe(post.body)
    expect(await session.status()).toMatchObject({
      loggedIn: true,
      issuer: ISSUER,
      registration: 'dynamic',
      refreshable: true,
    })
  })

  it('refreshes on expiry without asking anybody', async () => {
    const world = new World()
    const { fetch } = world.client()
    await fetch(SERVER, post)
    world.now += 3_599_000
    expect((await fetch(SERVER, post)).status).toBe(200)
    expect(world.refreshes).toHaveLength(1)
    expect(world.authorizations).toHaveLength(1)
  })

  it('steps up on 403 insufficient_scope with the union of scopes', async () => {
    const world = new World()
    world.challenge = 'Bearer scope="files:read"'
    const { fetch, session } = world.client()
    await fetch(SERVER, post)
    world.routes.set(`POST ${SERVER}`, () =>
      world.authorizations.length < 2
        ? new Response('', {
            status: 403,
            headers: { 'www-authenticate': 'Bearer error="insufficient_scope", scope="files:write"' },
          })
        : undefined,
    )
    expect((await fetch(SERVER, post)).status).toBe(200)
    expect(world.authorizations[1]?.url.searchParams.get('scope')).toBe('files:read files:write')
    expect(world.refreshes).toHaveLength(0)
    expect((await session.status()).scope).toBe('files:read files:write')
  })

  it('shows nothing secret to inspect', async () => {
    const world = new World()
    const { fetch, session } = world.client()
    await fetch(SERVER, post)
    expect(inspect({ session, fetch }, { depth: 10, showHidden: true })).not.toMatch(/access-|refresh-/)
  })
})
