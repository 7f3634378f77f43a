import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createFileStore } from '../../src/node/file-store.ts'
import type { CredentialStore, StoredGrant } from '../../src/oauth/store/credential-store.ts'
import { temporaryFolder } from '../node/folder.ts'
import { buildLibrary, type BuiltLibrary } from '../processes/built-library.ts'
import { killAll, startNode, type StartedProcess } from '../processes/started-process.ts'

const PROCESSES = 10
const CALLS = 10
const script = (name: string): string => fileURLToPath(new URL(`../processes/${name}`, import.meta.url))

let library: BuiltLibrary
beforeAll(async () => {
  library = await buildLibrary()
})
afterAll(() => library.remove())
afterEach(killAll)

interface TokenRequest {
  readonly pid: number
  readonly grantType: string
  /** Absent while the request is held. */
  readonly token?: string
}

/** The servers, an empty store of files, and machines that share both. */
async function createMachineWorld() {
  const directory = join(await temporaryFolder(), 'credentials')
  const server = startNode(script('machine-server.mjs'), [])
  const { url: origin } = JSON.parse(await server.said(line => line.includes('"url"'))) as { url: string }
  const key = { server: `${origin}/mcp`, profile: 'default' }
  const store: CredentialStore = createFileStore({ directory })
  const command = (...words: readonly string[]): void => server.tell(JSON.stringify(words))
  const grant = async (): Promise<StoredGrant | undefined> => (await store.get(key))?.record.issuers[origin]?.grant
  return {
    server,
    command,
    grant,
    async machine(calls: number): Promise<StartedProcess> {
      const child = startNode(script('machine-child.mjs'), [library.folder, directory, key.server, String(calls)])
      await child.said(line => line === 'ready')
      return child
    },
    async requests(): Promise<readonly TokenRequest[]> {
      const seen = server.lines.length
      command('report')
      const isReport = (line: string): boolean => line.startsWith('{"report"') && server.lines.indexOf(line) >= seen
      return (JSON.parse(await server.said(isReport)) as { report: TokenRequest[] }).report
    },
    /** The token was obtained so much earlier. */
    async age(ms: number): Promise<void> {
      const { version, record } = (await store.get(key))!
      const { grant: young, ...credentials } = record.issuers[origin]!
      const aged = { ...young!, obtainedAt: young!.obtainedAt - ms, expiresAt: young!.expiresAt! - ms }
      await store.compareAndSet(key, version, { ...record, issuers: { [origin]: { ...credentials, grant: aged } } })
    },
    /** Who asks for a token next. */
    async asking(from: number): Promise<number> {
      const line = await server.said(each => each.startsWith('{"asking"') && server.lines.indexOf(each) >= from)
      return (JSON.parse(line) as { asking: number }).asking
    },
  }
}

type MachineWorld = Awaited<ReturnType<typeof createMachineWorld>>

const startAll = (world: MachineWorld): Promise<StartedProcess[]> =>
  Promise.all(Array.from({ length: PROCESSES }, () => world.machine(CALLS)))

/** All make their calls at once; resolves when all are done, to what failed. */
async function round(machines: readonly StartedProcess[], number = 1): Promise<string[]> {
  const starts = machines.map(({ lines }) => lines.length)
  for (const machine of machines) machine.tell('go')
  await Promise.all(
    machines.map(({ said, lines }) => said(() => lines.filter(line => line === 'done').length >= number)),
  )
  const answers = machines.flatMap(({ lines }, index) => lines.slice(starts[index]).filter(line => line !== 'done'))
  expect(answers).toHaveLength(machines.length * CALLS)
  return answers.filter(line => line !== 'ok')
}

describe('many machines, one client', () => {
  it(`R-CC-3 ${PROCESSES} processes × ${CALLS} calls make one token request, and one more after its end`, async () => {
    const world = await createMachineWorld()
    const machines = await startAll(world)
    expect(await round(machines)).toEqual([])
    expect((await world.requests()).map(({ grantType }) => grantType)).toEqual(['client_credentials'])

    await world.age(3_700_000)
    world.command('end')
    expect(await round(machines, 2)).toEqual([])
    expect(await world.requests()).toHaveLength(2)
    expect((await world.grant())?.accessToken).toBe('token-2')
  })

  it('R-CC-3 tokens that are refused before their end are replaced once for all', async () => {
    const world = await createMachineWorld()
    const machines = await startAll(world)
    await round(machines)
    world.command('end')
    expect(await round(machines, 2)).toEqual([])
    expect(await world.requests()).toHaveLength(2)
  })

  it('R-CC-3 a token about to end is replaced once for all, by processes that start with it', async () => {
    const world = await createMachineWorld()
    await round([await world.machine(CALLS)])
    await world.age(3_590_000)
    expect(await round(await startAll(world))).toEqual([])
    expect(await world.requests()).toHaveLength(2)
  })
})

describe('the process that asks', () => {
  it.each(['request', 'answer'])('R-CC-3 killed -9 while the server holds the %s: another takes over', async held => {
    const world = await createMachineWorld()
    const machines = await startAll(world)
    world.command('hold', held)
    for (const machine of machines) machine.tell('go')
    const pid = await world.asking(0)
    const killed = machines.find(machine => machine.process.pid === pid)!
    killed.kill('SIGKILL')
    await killed.ended
    const others = machines.filter(machine => machine !== killed)
    await Promise.all(others.map(({ said }) => said(line => line === 'done')))
    const answers = others.flatMap(({ lines }) => lines.filter(line => line !== 'ready' && line !== 'done'))
    expect(new Set(answers)).toEqual(new Set(['ok']))
    expect(answers).toHaveLength(others.length * CALLS)
    const requests = await world.requests()
    expect(requests).toHaveLength(2)
    expect((await world.grant())?.accessToken).toBe(requests[1]!.token)
  })

  it('R-CC-3 stopped, with a token that still works, it breaks no call of others', async () => {
    const world = await createMachineWorld()
    await round([await world.machine(CALLS)])
    await world.age(3_590_000)
    world.command('hold', 'answer')
    const seen = world.server.lines.length
    const stopped = await world.machine(1)
    stopped.tell('go')
    expect(await world.asking(seen)).toBe(stopped.process.pid)
    stopped.kill('SIGSTOP')
    expect(await round([await world.machine(CALLS), await world.machine(CALLS)])).toEqual([])
    expect(await world.requests()).toHaveLength(2)
    world.command('release')
    stopped.kill('SIGCONT')
    // Its call may have done with the old token; the new one is stored before the process ends by itself.
    stopped.process.stdin?.end()
    expect(await stopped.ended).toBe(0)
    expect(stopped.lines).toEqual(['ready', 'ok', 'done'])
    expect((await world.grant())?.accessToken).toBe('token-2')
  })

  it('R-CC-3 killed -9 around the moment of storing, it loses no more than the one token', async () => {
    const world = await createMachineWorld()
    let kills = 0
    for (let delayMs = 0; delayMs < 20; delayMs += 2) {
      const seen = world.server.lines.length
      const machine = await world.machine(1)
      machine.tell('go')
      expect(await world.asking(seen)).toBe(machine.process.pid)
      // Nothing waits here but the race itself.
      await new Promise(resolve => setTimeout(resolve, delayMs))
      machine.kill('SIGKILL')
      kills += 1
      await machine.ended
      // Neither corrupt nor truncated: the old token, the new one, or none yet.
      const grant = await world.grant()
      if (grant) await world.age(grant.expiresAt! - Date.now() + 1_000)
      world.command('end')
    }
    const last = await world.machine(1)
    last.tell('go')
    await last.said(line => line === 'done')
    expect(last.lines).toEqual(['ready', 'ok', 'done'])
    const requests = await world.requests()
    expect(requests).toHaveLength(kills + 1)
    expect((await world.grant())?.accessToken).toBe(requests.at(-1)!.token)
  })
})
