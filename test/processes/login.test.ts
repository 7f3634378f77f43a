import { execFileSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { createWorld, runBinary, type Run, type World } from '../cli/world.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const binary = `${root}cli/bin/latchkey.js`

beforeAll(() => {
  const built = ['dist/testing.js', 'cli/dist/main.js'].every(file => existsSync(`${root}${file}`))
  if (!built) execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' })
})

interface Login {
  readonly process: ChildProcess
  readonly ended: Promise<Run>
  readonly stderr: () => string
}

function startLogin(world: World, ...args: readonly string[]): Login {
  let process: ChildProcess | undefined
  let stderr = ''
  const ended = runBinary(binary, ['login', world.url, '--json', ...args], {
    env: world.env,
    input: '',
    onStart: child => {
      process = child
      child.stderr?.on('data', chunk => (stderr += String(chunk)))
    },
  })
  if (!process) throw new Error('it did not start')
  return { process, ended, stderr: () => stderr }
}

const WAITING = 'another process is logging in already'
/** Visits of browsers; a look that the client takes by itself names the client. */
const browsers = (world: World): number =>
  world.server.requestsTo('authorize').filter(({ headers }) => headers['user-agent'] !== 'latchkey').length
const grantOf = ({ stdout }: Run): unknown => JSON.parse(stdout).grantId

/** A person who looks at the first page until told to approve. */
function hesitate(world: World): () => void {
  const gate = new PassThrough()
  world.server.set({ faults: { authorize: { kind: 'held-request', until: once(gate, 'end'), times: 1 } } })
  return () => void gate.resume().end()
}

describe('field M8: two processes that log in at once', () => {
  it('open one browser and register one client; both end with the same login', async () => {
    await using world = await createWorld()
    const approve = hesitate(world)
    const logins = [startLogin(world), startLogin(world)]
    await expect.poll(() => browsers(world), { timeout: 20_000 }).toBe(1)
    await expect
      .poll(() => logins.filter(({ stderr }) => stderr().includes(WAITING)).length, { timeout: 20_000 })
      .toBe(1)
    approve()
    const [a, b] = await Promise.all(logins.map(({ ended }) => ended))
    expect([a?.exitCode, b?.exitCode], `${a?.stderr}${b?.stderr}`).toEqual([0, 0])
    expect(grantOf(a!)).toBe(grantOf(b!))
    expect(browsers(world)).toBe(1)
    expect(world.server.requestsTo('registration')).toHaveLength(1)
  })

  it('when the one that asks is killed with -9, the other asks within seconds', async () => {
    await using world = await createWorld()
    hesitate(world)
    const first = startLogin(world)
    await expect.poll(() => browsers(world), { timeout: 20_000 }).toBe(1)
    const second = startLogin(world)
    await expect.poll(second.stderr, { timeout: 20_000 }).toContain(WAITING)
    first.process.kill('SIGKILL')
    const killedAt = Date.now()
    await first.ended
    const { exitCode, stderr } = await second.ended
    expect(exitCode, stderr).toBe(0)
    expect(browsers(world)).toBe(2)
    expect(Date.now() - killedAt).toBeLessThan(30_000)
  })

  it('--force asks at once, whoever else is asking', async () => {
    await using world = await createWorld()
    const approve = hesitate(world)
    const first = startLogin(world)
    await expect.poll(() => browsers(world), { timeout: 20_000 }).toBe(1)
    const second = await startLogin(world, '--force').ended
    expect(second.exitCode, second.stderr).toBe(0)
    expect(browsers(world)).toBe(2)
    approve()
    expect(await first.ended).toMatchObject({ exitCode: 0 })
  })
})
