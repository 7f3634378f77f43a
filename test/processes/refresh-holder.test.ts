import { afterEach, describe, expect, inject, it } from 'vitest'
import { createRefreshWorld, type RefreshWorld } from './refresh-world.ts'
import { CALLS, isReady, logInBriefly } from './stampede.ts'
import { killAll, type StartedProcess } from './started-process.ts'

const library = inject('library')
afterEach(killAll)

/** A world whose access token is about to end, though it still works for the best part of a minute. */
async function aboutToEnd(): Promise<RefreshWorld> {
  const world = await createRefreshWorld(library)
  await world.login()
  await world.age(3_600_000 - 50_000)
  return world
}

const redeeming = (line: string): boolean => line.startsWith('{"redeeming"')
const failures = ({ lines }: StartedProcess): string[] => lines.filter(line => line !== 'ok' && !isReady(line))

/** Starts a client that sends the redemption, and stops while its answer, or its request, is held. */
async function holderOf(world: RefreshWorld, kind: 'held-answer' | 'held-request'): Promise<StartedProcess> {
  world.command('hold', kind)
  const holder = world.client('callUnattended')
  holder.tell('go')
  await world.server.said(redeeming)
  return holder
}

async function run(world: RefreshWorld, calls: number, lockTimeoutMs?: number): Promise<StartedProcess> {
  const client = world.client('callUnattended', calls, 0, ...(lockTimeoutMs === undefined ? [] : [lockTimeoutMs]))
  client.tell('go')
  expect(await client.ended).toBe(0)
  return client
}

describe('the process that redeems', () => {
  it('field M8: stopped, it is not overtaken while the access token lives; continued, it stores what it got', async () => {
    const world = await aboutToEnd()
    const before = await world.grant()
    const holder = await holderOf(world, 'held-answer')
    holder.kill('SIGSTOP')
    const others = await Promise.all([run(world, 5), run(world, 5), run(world, 5)])
    expect(others.flatMap(failures)).toEqual([])
    expect((await world.grant()).accessToken).toBe(before.accessToken)
    world.command('release')
    expect((await run(world, 3)).lines.filter(line => line === 'ok')).toHaveLength(3)
    holder.kill('SIGCONT')
    expect(await holder.ended).toBe(0)
    expect(failures(holder)).toEqual([])
    const { redemptions } = await world.report()
    expect(redemptions.map(({ status }) => status)).toEqual([200])
    expect((await world.grant()).refreshToken).toBe(redemptions[0]?.next)
    expect(failures(await run(world, 1))).toEqual([])
  })

  it('field M8: stopped, with a token that has ended, it is waited for and named; nobody spends the token again', async () => {
    const world = await createRefreshWorld(library)
    await world.login()
    await world.age(3_700_000)
    const holder = await holderOf(world, 'held-answer')
    holder.kill('SIGSTOP')
    const [failure = ''] = failures(await run(world, 1, 300))
    expect(failure).toContain('failed locked')
    expect(failure).toContain(String(holder.process.pid))
    const patient = world.client('callUnattended')
    patient.tell('go')
    await patient.said(isReady)
    world.command('release')
    holder.kill('SIGCONT')
    expect([await holder.ended, await patient.ended]).toEqual([0, 0])
    expect([...failures(holder), ...failures(patient)]).toEqual([])
    expect((await world.report()).redemptions.map(({ status }) => status)).toEqual([200])
  })

  it('field M8: killed before the server took the token, it costs nobody a login', async () => {
    const world = await aboutToEnd()
    const holder = await holderOf(world, 'held-request')
    holder.kill('SIGKILL')
    await holder.ended
    // The token that still works is used up first; then the refresh token is tried, since it may be unspent.
    expect(failures(await run(world, 3))).toEqual([])
    expect((await world.report()).redemptions).toEqual([])
    await world.age(100_000)
    expect(failures(await run(world, 3))).toEqual([])
    expect((await world.report()).redemptions.map(({ status }) => status)).toEqual([200])
  })

  it('field M12: killed with the answer, it leaves the live token, and then an error that says what happened', async () => {
    const world = await aboutToEnd()
    const holder = await holderOf(world, 'held-answer')
    holder.kill('SIGKILL')
    await holder.ended
    expect(failures(await run(world, 3))).toEqual([])
    await world.age(100_000)
    const [failure = ''] = failures(await run(world, 1))
    expect(failure).toContain('login_required')
    expect(failure).toContain('interrupted')
    const attended = world.client('call')
    attended.tell('go')
    expect(await attended.ended).toBe(0)
    expect(attended.lines).toEqual(['ready', 'login', 'ok'])
  })

  it('field M12: killed with the answer while others call, it costs one login for all of them', async () => {
    const world = await logInBriefly(await createRefreshWorld(library))
    const clients = Array.from({ length: 5 }, () => world.client('call', CALLS, 100))
    await Promise.all(clients.map(client => client.said(isReady)))
    world.command('hold', 'held-answer')
    for (const client of clients) client.tell('go')
    const { pid } = JSON.parse(await world.server.said(redeeming)) as { pid: number }
    const holder = clients.find(client => client.process.pid === pid)
    holder?.kill('SIGKILL')
    for (const client of clients) expect(await client.ended).toBe(client === holder ? 'SIGKILL' : 0)
    expect(clients.flatMap(failures)).toEqual(['login'])
    const { redemptions, logins } = await world.report()
    expect(logins).toBe(2)
    expect(redemptions.filter(({ status }) => status !== 200)).toHaveLength(1)
  })

  it('a process whose only call was given up ends by itself, with the new tokens stored', async () => {
    const world = await aboutToEnd()
    await world.age(100_000)
    world.command('hold', 'held-answer')
    const client = world.client('abandon')
    await world.server.said(redeeming)
    client.tell('give up')
    await client.said(line => line === 'AbortError')
    world.command('release')
    expect(await client.ended).toBe(0)
    const { redemptions } = await world.report()
    expect((await world.grant()).refreshToken).toBe(redemptions[0]?.next)
  })
})
