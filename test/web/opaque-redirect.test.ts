import { expect, it } from 'vitest'
import { notFound, SERVER, World } from '../oauth/world.ts'

const GET = `GET ${SERVER}`

/** What a browser gives for a redirect that it was told not to follow: no status, no headers. */
const opaqueRedirect = (): Response => Object.defineProperty(Response.error(), 'type', { value: 'opaqueredirect' })

it('field D10: a redirect of which a browser shows nothing leads to a login if metadata is found', async () => {
  const world = new World()
  world.routes.set(GET, ({ headers }) => (headers.has('authorization') ? undefined : opaqueRedirect()))
  expect((await world.client().fetch(SERVER)).status).toBe(200)
  expect(world.authorizations).toHaveLength(1)
})

it('field D10: without metadata such a redirect is returned as it is, and asks nobody', async () => {
  const world = new World()
  world.routes.set(GET, opaqueRedirect)
  world.routes.set('GET https://mcp.example.com/.well-known/oauth-protected-resource/mcp', notFound)
  expect((await world.client().fetch(SERVER)).type).toBe('opaqueredirect')
  expect(world.authorizations).toEqual([])
})
