import { afterEach, describe, expect, inject, it } from 'vitest'
import { createRefreshWorld, type RefreshWorld } from './refresh-world.ts'
import { killAll, type StartedProcess } from './started-process.ts'

const PROCESSES = 20
const CALLS = 25
/** Milliseconds between two calls of one process, on the average: two or more expiries in a run. */
const PAUSE_MS = 100
/**
 * The access token lives one second; nobody may replace it before a tenth of that is left, and a tenth of the tenth. The rest is for requests
 * that were on their way longer than the next one, on a busy machine.
 */
const EARLIEST_REDEMPTION_MS = 700

const library = inject('library')
afterEach(killAll)

/** Logged in, with access tokens that live one second. */
async function loggedIn(): Promise<RefreshWorld> {
  const world = await createRefreshWorld(library)
  world.command('set', { accessTokenLifetimeS: 1 })
  await world.login()
  return world
}

const ready = (line: string): boolean => line === 'ready'

async function startAll(world: RefreshWorld): Promise<StartedProcess[]> {
  const clients = Array.from({ length: PROCESSES }, () => world.client('call', CALLS, PAUSE_MS))
  await Promise.all(clients.map(client => client.said(ready)))
  for (const client of clients) client.tell('go')
  return clients
}

/** Answers of the server that died with the process that waited for them: what they brought was neither stored nor used. */
async function lostAnswers(world: RefreshWorld): Promise<number> {
  const { redemptions } = await world.report()
  const used = new Set(redemptions.map(({ spent }) => spent))
  const { refreshToken } = await world.grant()
  return redemptions.filter(({ next }) => next !== undefined && next !== refreshToken && !used.has(next)).length
}

describe('many processes, one rotating refresh token', () => {
  it(`field M1: ${PROCESSES} processes × ${CALLS} calls: nothing fails, nothing is reused, one redemption per expiry`, async () => {
    const world = await loggedIn()
    const clients = await startAll(world)
    expect(new Set(await Promise.all(clients.map(client => client.ended)))).toEqual(new Set([0]))
    const said = clients.flatMap(({ lines }) => lines.filter(line => !ready(line)))
    expect(said.filter(line => line !== 'ok')).toEqual([])
    expect(said).toHaveLength(PROCESSES * CALLS)
    const { redemptions, logins } = await world.report()
    expect(logins).toBe(1)
    expect(redemptions.filter(({ status }) => status !== 200)).toEqual([])
    // One chain: each redemption spends what the one before it brought.
    expect(redemptions.slice(1).map(({ spent }) => spent)).toEqual(redemptions.slice(0, -1).map(({ next }) => next))
    expect(redemptions.at(-1)?.next).toBe((await world.grant()).refreshToken)
    // And none before the access token of the one before it had come to its end.
    const gaps = redemptions.slice(1).map(({ at }, index) => at - redemptions[index]!.at)
    expect(gaps.filter(gap => gap < EARLIEST_REDEMPTION_MS)).toEqual([])
    expect(redemptions.length).toBeGreaterThanOrEqual(2)
  })

  it('field M8: a random process killed every 200 ms loses no login but with an answer of the server', async () => {
    const world = await loggedIn()
    const clients = await startAll(world)
    const all = [...clients]
    for (let kills = 0; kills < 10; kills++) {
      await new Promise(resolve => setTimeout(resolve, 200))
      const index = Math.floor(Math.random() * clients.length)
      clients[index]!.kill('SIGKILL')
      const next = world.client('call', CALLS, PAUSE_MS)
      next.tell('go')
      clients[index] = next
      all.push(next)
      // Neither corrupt nor truncated, at any moment.
      expect((await world.store.get(world.key))?.record.format).toBe(1)
    }
    expect(new Set(await Promise.all(clients.map(client => client.ended)))).toEqual(new Set([0]))
    const lost = await lostAnswers(world)
    const failed = all.flatMap(({ lines }) => lines.filter(line => line !== 'ok' && !ready(line)))
    const { redemptions, logins } = await world.report()
    expect(failed.filter(line => line !== 'login')).toEqual([])
    expect(logins).toBeLessThanOrEqual(1 + lost)
    expect(redemptions.filter(({ status }) => status !== 200).length).toBeLessThanOrEqual(lost)
  })
})
