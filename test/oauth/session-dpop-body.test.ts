import { expect, it } from 'vitest'
import { DpopWorld } from './dpop-world.ts'
import { SERVER } from './world.ts'

it('R-DPOP-1 R-FETCH-1 a body that cannot be sent twice gets the demand for a nonce as it is; the next request uses it', async () => {
  const world = new DpopWorld()
  const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length))
  const { fetch, session } = world.client({ randomBytes })
  await session.login()
  world.routes.set(`POST ${SERVER}`, ({ headers }) => {
    const nonce = headers.get('dpop')?.split('.')[1] ?? ''
    const proven = JSON.parse(atob(nonce.replaceAll('-', '+').replaceAll('_', '/'))) as { nonce?: string }
    const demand = { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'wanted' }
    return proven.nonce === 'wanted' ? new Response('done') : new Response('', { status: 401, headers: demand })
  })
  const stream = () => new Blob(['once']).stream()
  const post = () => fetch(SERVER, { method: 'POST', body: stream(), duplex: 'half' } as RequestInit)
  const before = world.count(`POST ${SERVER}`)
  const first = await post()
  expect([first.status, first.headers.get('dpop-nonce')]).toEqual([401, 'wanted'])
  expect(world.count(`POST ${SERVER}`)).toBe(before + 1)
  expect(await (await post()).text()).toBe('done')
  expect([world.authorizations.length, world.refreshes.length, world.tokenRequests.length]).toEqual([1, 0, 1])
})
