import { describe, expect, it } from 'vitest'
import type { AuthInfo } from '../../../src/server/auth-info.ts'
import { createTestGuard, type Reply, sendStateless, startWorld, stateless, type World } from './http-world.ts'

/** Lets everybody in; who names nobody is nobody. */
const optional = createTestGuard({
  authenticate: async http => {
    const principal = http.header('authorization')?.replace('Bearer ', '')
    const auth: AuthInfo | undefined =
      principal === undefined ? undefined : { principal, scopes: [], claims: {}, token: principal }
    return { auth }
  },
})

/** Asks for changes of tools, and gives the first thing that is told, or the refusal. */
async function subscribe(world: World, principal?: string): Promise<{ readonly reply: Reply; readonly first: any }> {
  const message = stateless('subscriptions/listen', { notifications: { toolsListChanged: true } })
  const headers: Record<string, string> = principal === undefined ? {} : { authorization: `Bearer ${principal}` }
  const reply = await sendStateless(world, message, { headers })
  const isStream = reply.headers['content-type'] === 'text/event-stream'
  const first = isStream ? (await reply.events().next()).value?.message : await reply.json()
  return { reply, first }
}

/** How many of eight come about. */
async function take(world: World, principal?: string): Promise<number> {
  let taken = 0
  for (let count = 0; count < 8; count += 1) if ((await subscribe(world, principal)).first.method) taken += 1
  return taken
}

describe('places of subscriptions', () => {
  it.each([
    ['somebody who logged in', 'eve'],
    ['all together who did not', undefined],
  ])('are not all for %s', async (_who, principal) => {
    const world = await startWorld(undefined, { guard: optional, maxSubscriptions: 8 })
    expect(await take(world, principal)).toBe(5)
    expect((await subscribe(world, principal)).first).toMatchObject({ error: { code: -32603 } })
    expect((await subscribe(world, 'ada')).first).toMatchObject({ method: expect.stringContaining('acknowledged') })
  })

  it('are for whoever asks where nobody is told apart', async () => {
    expect(await take(await startWorld(undefined, { maxSubscriptions: 8 }))).toBe(8)
  })
})
