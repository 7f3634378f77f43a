import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { approve } from '../../demo/src/scripted-user.ts'
import { CLIENTS } from '../interop/machine-clients.ts'
import { type MachineWorld, startMachineWorld } from '../interop/machine-world.ts'
import { buildCommandLine } from './built-cli.ts'
import { type Run, runBinary } from './world.ts'

let cli: ReturnType<typeof buildCommandLine> | undefined
beforeAll(() => {
  cli = buildCommandLine()
}, 60_000)
afterAll(() => cli?.remove())

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'latchkey-processes-'))
})
afterEach(() => rm(home, { recursive: true, force: true, maxRetries: 10 }))

/** Runs `latchkey` as a process of its own, with nobody at a terminal. */
function latchkey(
  args: readonly string[],
  {
    env = {},
    onAddress,
  }: { env?: Record<string, string>; onAddress?: (url: string, child: ChildProcess) => void } = {},
): Promise<Run> {
  const surroundings = { LATCHKEY_HOME: home, LATCHKEY_STORE: 'file', PATH: process.env['PATH'] ?? '', ...env }
  return runBinary(cli?.binary ?? '', args, {
    env: surroundings,
    input: '',
    onStart: child => {
      let seen = ''
      child.stderr?.on('data', chunk => {
        const before = seen
        seen += String(chunk)
        const url = /With the code in it: (http\S+)\n/.exec(seen)?.[1]
        if (url !== undefined && !before.includes(url)) onAddress?.(url, child)
      })
    },
  })
}

describe('the latchkey binary without a browser', () => {
  it('R-DEVICE-1 a person approves elsewhere; every later process finds the login', async () => {
    await using world = await startMachineWorld()
    const login = await latchkey(
      ['login', world.mcpUrl, '--device', '--client-id', CLIENTS.device.clientId, '--json'],
      {
        onAddress: url => void approve(url),
      },
    )
    expect(login.exitCode, login.stderr).toBe(0)
    expect(JSON.parse(login.stdout)).toMatchObject({ loggedIn: true, refreshable: true })
    expect(login.stderr).not.toMatch(/[█▀▄]/)
    const call = await latchkey(['call', world.mcpUrl, 'list_notes'])
    expect(call, call.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Otters'), stderr: '' })
  })

  it('R-DEVICE-1 Ctrl-C while the person is away ends with 130, one error object, and no more requests', async () => {
    await using world = await startMachineWorld()
    const run = await latchkey(['login', world.mcpUrl, '--device', '--json'], {
      onAddress: (_url, child) => child.kill('SIGINT'),
    })
    expect(run.exitCode).toBe(130)
    expect(JSON.parse(run.stdout)).toEqual({ error: { code: 'aborted', message: 'cancelled' } })
    expect(world.tokenRequests()).toEqual([])
    expect((await latchkey(['token', world.mcpUrl])).exitCode).toBe(3)
  })

  it('R-CC-3 a machine logs in once; processes whose token was rejected share one request for another', async () => {
    await using world: MachineWorld = await startMachineWorld()
    const { clientId, clientSecret } = CLIENTS.basic
    const args = ['--grant', 'client-credentials', '--client-id', clientId, '--client-secret-env', 'ROBOT_SECRET']
    const login = await latchkey(['login', world.mcpUrl, ...args], { env: { ROBOT_SECRET: clientSecret } })
    expect(login.exitCode, login.stderr).toBe(0)
    world.revokeAccessTokens()
    const runs = await Promise.all(Array.from({ length: 4 }, () => latchkey(['call', world.mcpUrl, 'list_notes'])))
    for (const { exitCode, stdout, stderr } of runs) {
      expect(exitCode, stderr).toBe(0)
      expect(stdout).toContain('Otters')
    }
    expect(world.tokenRequests('client_credentials')).toHaveLength(2)
    for (const { stdout, stderr } of [login, ...runs]) expect(`${stdout}${stderr}`).not.toContain(clientSecret)
  })
})
