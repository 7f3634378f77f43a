import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { approve, type ScriptedUserOptions } from '../../demo/src/scripted-user.ts'
import { CLIENTS } from '../interop/machine-clients.ts'
import { ACCESS_TOKEN_SECONDS, type MachineWorld, startMachineWorld } from '../interop/machine-world.ts'
import { type Run, type RunOptions, runInProcess } from './world.ts'

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'
const television = ['--device', '--client-id', CLIENTS.device.clientId]

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'latchkey-device-'))
})
afterEach(() => rm(home, { recursive: true, force: true, maxRetries: 10 }))

const json = (run: Run): any => JSON.parse(run.stdout)

function run(world: MachineWorld, args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const env = { LATCHKEY_HOME: home, LATCHKEY_STORE: 'file', NO_COLOR: '1', TERM: 'xterm', LC_ALL: 'C.UTF-8' }
  return runInProcess(args, { ...options, env: { ...env, ...options.env } }, () => world.now())
}

/** The person acts once stderr shows the address with the code in it; waiting takes until then, and moves the clock of the world. */
function whenShown(world: MachineWorld, act: (url: string) => unknown): Pick<RunOptions, 'onStderr' | 'sleep'> {
  let seen = ''
  const shown = new EventTarget()
  const acted = new Promise<unknown>(resolve => {
    shown.addEventListener('url', event => resolve(act((event as CustomEvent<string>).detail)), { once: true })
  })
  return {
    onStderr: text => {
      seen += text
      const detail = /With the code in it: (http\S+)/.exec(seen)?.[1]
      if (detail !== undefined) shown.dispatchEvent(new CustomEvent('url', { detail }))
    },
    sleep: async (ms, signal) => {
      await acted
      if (signal?.aborted !== true) world.advance(ms)
    },
  }
}

const person = (world: MachineWorld, options: ScriptedUserOptions = {}): ReturnType<typeof whenShown> =>
  whenShown(world, url => approve(url, options))

describe('login --device', () => {
  it('R-DEVICE-1 shows code and address on stderr, waits, prints the status; later tokens need nobody', async () => {
    await using world = await startMachineWorld()
    const login = await run(world, ['login', world.mcpUrl, ...television, '--json'], person(world))
    expect(login.exitCode, login.stderr).toBe(0)
    expect(json(login)).toMatchObject({ loggedIn: true, refreshable: true, clientId: CLIENTS.device.clientId })
    expect(login.stderr).toContain(`${world.issuer}/device`)
    expect(login.stderr).toMatch(/│ {2}[A-Z-]{9} {2}│/)
    expect(world.at('/auth')).toEqual([])
    world.advance(ACCESS_TOKEN_SECONDS * 1_000)
    const token = await run(world, ['token', world.mcpUrl])
    expect(token, token.stderr).toMatchObject({ exitCode: 0, stderr: '' })
    expect(world.tokenRequests('refresh_token')).toHaveLength(1)
    expect(JSON.parse(await readFile(join(home, 'login-settings.json'), 'utf8'))).toEqual({
      [`default ${world.mcpUrl}`]: { grant: 'device' },
    })
  })

  it('R-DEVICE-1 registers where no client is known, shows a QR code on a terminal, and is remembered', async () => {
    await using world = await startMachineWorld()
    const login = await run(world, ['login', world.mcpUrl, '--device'], { tty: true, ...person(world) })
    expect(login.exitCode, login.stderr).toBe(0)
    expect(login.stderr).toContain('Or scan:')
    expect(login.stderr).toMatch(/^█{20,}$\n^██ ▄{5} █/m)
    expect(world.at('/reg')).toHaveLength(1)
    await run(world, ['logout', world.mcpUrl])
    // Nobody is shown a code where nobody can be asked.
    world.forget()
    expect((await run(world, ['call', world.mcpUrl, 'list_notes'])).exitCode).toBe(3)
    expect(world.at('/device/auth')).toEqual([])
    // Nobody said --device this time.
    const call = await run(world, ['call', world.mcpUrl, 'list_notes', '--login'], person(world))
    expect(call, call.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Otters') })
    expect(call.stderr).not.toContain('Or scan:')
    expect(world.tokenRequests(DEVICE_CODE)).toHaveLength(1)
    expect(world.at('/reg')).toEqual([])
  })

  it('R-CC-1 a person who logs in where a machine did is asked, and takes its place', async () => {
    await using world = await startMachineWorld()
    const { clientId, clientSecret } = CLIENTS.basic
    const robot = ['--grant', 'client-credentials', '--client-id', clientId, '--client-secret-env', 'ROBOT_SECRET']
    await run(world, ['login', world.mcpUrl, ...robot], { env: { ROBOT_SECRET: clientSecret } })
    const login = await run(world, ['login', world.mcpUrl, ...television, '--json'], person(world))
    expect(login.exitCode, login.stderr).toBe(0)
    expect(json(login)).toMatchObject({ refreshable: true, clientId: CLIENTS.device.clientId })
    expect(json(login)).not.toHaveProperty('withoutPerson')
    expect(await readFile(join(home, 'login-settings.json'), 'utf8')).not.toContain('ROBOT_SECRET')
    // And back: the machine is not taken for the person.
    const again = await run(world, ['login', world.mcpUrl, ...robot, '--json'], { env: { ROBOT_SECRET: clientSecret } })
    expect(again.exitCode, again.stderr).toBe(0)
    expect(json(again)).toMatchObject({ withoutPerson: true, clientId })
  })

  it('R-DEVICE-1 a refusal on the other device exits with 4', async () => {
    await using world = await startMachineWorld()
    const denied = await run(world, ['login', world.mcpUrl, ...television, '--json'], person(world, { deny: true }))
    expect(denied.exitCode).toBe(4)
    expect(json(denied).error).toMatchObject({ code: 'authorization_refused' })
  })

  it('R-DEVICE-1 gives up after --timeout seconds with 4 and the command to try again, and asks no more', async () => {
    await using world = await startMachineWorld()
    const absent = whenShown(world, () => undefined)
    const late = await run(world, ['login', world.mcpUrl, ...television, '--timeout', '4', '--json'], absent)
    expect(late.exitCode).toBe(4)
    expect(json(late).error).toMatchObject({ code: 'login_timeout', hint: `latchkey login ${world.mcpUrl}` })
    expect(world.tokenRequests()).toEqual([])
  })

  it('R-DEVICE-1 Ctrl-C while waiting exits with 130 and asks no more', async () => {
    await using world = await startMachineWorld()
    const controller = new AbortController()
    const options = { signal: controller.signal, ...whenShown(world, () => controller.abort()) }
    const result = await run(world, ['login', world.mcpUrl, ...television, '--json'], options)
    expect(result.exitCode).toBe(130)
    expect(json(result)).toEqual({ error: { code: 'aborted', message: 'cancelled' } })
    expect(world.tokenRequests()).toEqual([])
  })

  it('R-DEVICE-1 an authorization server without it exits with 4 and says so', async () => {
    await using world = await startMachineWorld({ deviceFlow: false })
    const result = await run(world, ['login', world.mcpUrl, '--device', '--json'])
    expect(result.exitCode).toBe(4)
    expect(json(result).error).toMatchObject({
      message: expect.stringContaining('no login on another device'),
      hint: expect.stringContaining('browser'),
    })
    expect(world.at('/reg')).toEqual([])
  })
})
