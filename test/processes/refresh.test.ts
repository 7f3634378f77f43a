import { afterEach, describe, expect, inject, it } from 'vitest'
import { createRefreshWorld, type RefreshWorld } from './refresh-world.ts'
import {
  CALLS,
  expectOneRedemptionPerExpiry,
  isReady,
  killAtRandom,
  logInBriefly,
  lostAnswers,
  PROCESSES,
  startCalling,
} from './stampede.ts'
import { killAll } from './started-process.ts'

/** Two or more expiries in a run. */
const PAUSE_MS = 100

const library = inject('library')
afterEach(killAll)

const loggedIn = async (): Promise<RefreshWorld> => logInBriefly(await createRefreshWorld(library))

describe('many processes, one rotating refresh token', () => {
  it(`field M1: ${PROCESSES} processes × ${CALLS} calls: nothing fails, nothing is reused, one redemption per expiry`, async () => {
    const world = await loggedIn()
    await expectOneRedemptionPerExpiry(world, await startCalling(world, PROCESSES, PAUSE_MS))
  })

  it('field M8: a random process killed every 200 ms loses no login but with an answer of the server', async () => {
    const world = await loggedIn()
    const all = await killAtRandom(world, await startCalling(world, PROCESSES, PAUSE_MS), PAUSE_MS)
    const lost = await lostAnswers(world)
    const failed = all.flatMap(({ lines }) => lines.filter(line => line !== 'ok' && !isReady(line)))
    const { redemptions, logins } = await world.report()
    expect(failed.filter(line => line !== 'login')).toEqual([])
    expect(logins).toBeLessThanOrEqual(1 + lost)
    expect(redemptions.filter(({ status }) => status !== 200).length).toBeLessThanOrEqual(lost)
  })
})
