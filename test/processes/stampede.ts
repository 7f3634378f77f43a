import { expect } from 'vitest'
import type { RefreshWorld } from './refresh-world.ts'
import type { StartedProcess } from './started-process.ts'

export const PROCESSES = 20
/** Of each process. */
export const CALLS = 25
/**
 * The access token lives one second; nobody may replace it before a tenth of that is left, and a tenth of the tenth. The rest is for requests
 * that were on their way longer than the next one, on a busy machine.
 */
const EARLIEST_REDEMPTION_MS = 700

export const isReady = (line: string): boolean => line === 'ready'

/** Logs in, with access tokens that live one second. */
export async function logInBriefly(world: RefreshWorld): Promise<RefreshWorld> {
  world.command('set', { accessTokenLifetimeS: 1 })
  await world.login()
  return world
}

/** Starts processes that call all at once. `pauseMs`: between two calls of one process, on the average. */
export async function startCalling(world: RefreshWorld, count: number, pauseMs: number): Promise<StartedProcess[]> {
  const clients = Array.from({ length: count }, () => world.client('call', CALLS, pauseMs))
  await Promise.all(clients.map(client => client.said(isReady)))
  for (const client of clients) client.tell('go')
  return clients
}

/** Waits until all have ended: nothing failed, nothing was reused, and there was one redemption for each expiry. */
export async function expectOneRedemptionPerExpiry(
  world: RefreshWorld,
  clients: readonly StartedProcess[],
): Promise<void> {
  expect(new Set(await Promise.all(clients.map(client => client.ended)))).toEqual(new Set([0]))
  const said = clients.flatMap(({ lines }) => lines.filter(line => !isReady(line)))
  expect(said.filter(line => line !== 'ok')).toEqual([])
  expect(said).toHaveLength(clients.length * CALLS)
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
}

/** Kills one of `clients` every 200 ms, ten times, and starts another for it; waits until those who live have ended. Gives them all. */
export async function killAtRandom(
  world: RefreshWorld,
  clients: StartedProcess[],
  pauseMs: number,
): Promise<readonly StartedProcess[]> {
  const all = [...clients]
  for (let kills = 0; kills < 10; kills++) {
    await new Promise(resolve => setTimeout(resolve, 200))
    const index = Math.floor(Math.random() * clients.length)
    clients[index]!.kill('SIGKILL')
    const next = world.client('call', CALLS, pauseMs)
    next.tell('go')
    clients[index] = next
    all.push(next)
    // Neither corrupt nor truncated, at any moment.
    expect((await world.store.get(world.key))?.record.format).toBe(1)
  }
  expect(new Set(await Promise.all(clients.map(client => client.ended)))).toEqual(new Set([0]))
  return all
}

/** Answers of the server that died with the process that waited for them: what they brought was neither stored nor used. */
export async function lostAnswers(world: RefreshWorld): Promise<number> {
  const { redemptions } = await world.report()
  const used = new Set(redemptions.map(({ spent }) => spent))
  const { refreshToken } = await world.grant()
  return redemptions.filter(({ next }) => next !== undefined && next !== refreshToken && !used.has(next)).length
}
