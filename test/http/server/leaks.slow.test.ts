import { Agent } from 'node:http'
import { expect, it } from 'vitest'
import { callTool, createTestGuard, openSession, sendStateless, startWorld, stateless } from './http-world.ts'

// In a process of its own: what other tests left behind is not this server's.
it('closing leaves no timer, no socket and no listener', async () => {
  const resources = (): string[] =>
    process
      .getActiveResourcesInfo()
      .filter(name => /Timeout|TCP/.test(name))
      .sort()
  await expect.poll(resources).toEqual([])
  const world = await startWorld(undefined, {
    guard: createTestGuard({ authenticate: async () => ({ auth: undefined }) }),
  })
  const agent = new Agent({ keepAlive: true })
  await (await callTool(world, 'echo', {}, { agent })).text()
  const session = await openSession(world)
  const stream = await session.send({ method: 'GET' })
  const subscription = await sendStateless(world, stateless('subscriptions/listen', { notifications: {} }))
  await world.close()
  await Promise.all([stream.messages(), subscription.messages()])
  agent.destroy()
  await expect.poll(resources).toEqual([])
})
