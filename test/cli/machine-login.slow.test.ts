import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportPKCS8, importJWK } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { requestParameters } from '../../demo/src/leg.ts'
import { CLIENTS, keyClientId, signingKey } from '../interop/machine-clients.ts'
import { ACCESS_TOKEN_SECONDS, type MachineWorld, startMachineWorld } from '../interop/machine-world.ts'
import { type Run, runInProcess } from './world.ts'

const SECRET = CLIENTS.basic.clientSecret
const robot = ['--grant', 'client-credentials', '--client-id', CLIENTS.basic.clientId]
const secret = ['--client-secret-env', 'ROBOT_SECRET']

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'latchkey-machine-'))
})
afterEach(() => rm(home, { recursive: true, force: true, maxRetries: 10 }))

const json = (run: Run): any => JSON.parse(run.stdout)

function run(world: MachineWorld, args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Run> {
  const env = { LATCHKEY_HOME: home, LATCHKEY_STORE: 'file', NO_COLOR: '1', TERM: 'xterm', BROWSER: '/bin/false' }
  return runInProcess(args, { env: { ...env, ...more } }, () => world.now())
}

/** Moves the clock beyond the life of every token. */
const expire = (world: MachineWorld): void => world.advance(ACCESS_TOKEN_SECONDS * 1_000)

describe('login --grant client-credentials', () => {
  it('R-CC-1 logs in without a person, and later commands get new tokens by themselves', async () => {
    await using world = await startMachineWorld()
    const login = await run(world, ['login', world.mcpUrl, ...robot, ...secret, '--json'], { ROBOT_SECRET: SECRET })
    expect(login.exitCode, login.stderr).toBe(0)
    expect(json(login)).toMatchObject({ loggedIn: true, withoutPerson: true, clientId: CLIENTS.basic.clientId })
    expect(json(await run(world, ['status', world.mcpUrl, '--json']))).toEqual(json(login))
    const first = await run(world, ['token', world.mcpUrl])
    expire(world)
    // The variable is not set any more: the secret is the one that was stored with the client.
    const second = await run(world, ['token', world.mcpUrl])
    expect(second, second.stderr).toMatchObject({ exitCode: 0, stderr: '' })
    expect(second.stdout).not.toBe(first.stdout)
    expire(world)
    const call = await run(world, ['call', world.mcpUrl, 'list_notes'])
    expect(call, call.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Otters') })
    expect(world.tokenRequests('client_credentials')).toHaveLength(3)
    expect(world.at('/auth')).toEqual([])
    const settings = await readFile(join(home, 'login-settings.json'), 'utf8')
    expect(settings).toContain('ROBOT_SECRET')
    const texts = [settings, ...[login, first, second, call].flatMap(({ stdout, stderr }) => [stdout, stderr])]
    for (const text of texts) expect(text).not.toContain(SECRET)
  })

  it('shows in status that a machine logged in, and that an expired token is no loss', async () => {
    await using world = await startMachineWorld()
    await run(world, ['login', world.mcpUrl, ...robot, ...secret], { ROBOT_SECRET: SECRET })
    const { stdout } = await run(world, ['status', world.mcpUrl])
    expect(stdout).toMatch(/logged in yes, renews itself in/)
    expect(stdout).toMatch(/made by +a machine, as itself/)
    expire(world)
    expect((await run(world, ['status', world.mcpUrl])).stdout).toContain('renewed on next use')
  })

  it('a later login needs no options again, and --force asks for another token', async () => {
    await using world = await startMachineWorld()
    await run(world, ['login', world.mcpUrl, ...robot, ...secret], { ROBOT_SECRET: SECRET })
    expect((await run(world, ['login', world.mcpUrl], { ROBOT_SECRET: SECRET })).exitCode).toBe(0)
    expect(world.tokenRequests()).toHaveLength(1)
    expect((await run(world, ['login', world.mcpUrl, '--force'], { ROBOT_SECRET: SECRET })).exitCode).toBe(0)
    expect(world.tokenRequests()).toHaveLength(2)
    const without = await run(world, ['login', world.mcpUrl, '--force'])
    expect(without).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('ROBOT_SECRET is not set') })
  })

  it('R-SCOPE-8 --scope asks for more, and so does the next token', async () => {
    await using world = await startMachineWorld()
    const scope = ['--scope', 'notes:read notes:write']
    await run(world, ['login', world.mcpUrl, ...robot, ...secret, ...scope], { ROBOT_SECRET: SECRET })
    expire(world)
    expect((await run(world, ['call', world.mcpUrl, 'add_note', 'text=Snow'])).exitCode).toBe(0)
    expect(world.tokenRequests().map(leg => requestParameters(leg)['scope'])).toEqual(Array(2).fill(scope[1]))
  })

  it.each(['PEM', 'JWK'])(
    'R-JWT-1 --client-key signs with a %s file, now and later, and never shows it',
    async kind => {
      await using world = await startMachineWorld()
      const { privateJwk } = await signingKey('ES256')
      const file = join(home, 'key')
      const key = (await importJWK(privateJwk, 'ES256', { extractable: true })) as CryptoKey
      await writeFile(file, kind === 'PEM' ? await exportPKCS8(key) : JSON.stringify(privateJwk))
      const args = ['--grant', 'client-credentials', '--client-id', keyClientId('ES256'), '--client-key', file]
      const login = await run(world, ['login', world.mcpUrl, ...args])
      expect(login.exitCode, login.stderr).toBe(0)
      expire(world)
      expect((await run(world, ['token', world.mcpUrl])).exitCode).toBe(0)
      await rm(file)
      // The token that is there still works; the next one cannot be had.
      expect((await run(world, ['call', world.mcpUrl, 'list_notes'])).exitCode).toBe(0)
      expect((await run(world, ['status', world.mcpUrl])).exitCode).toBe(0)
      expire(world)
      const gone = await run(world, ['call', world.mcpUrl, 'list_notes'])
      expect(gone).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(`${file} cannot be read`) })
      expect(world.tokenRequests()).toHaveLength(2)
      expect(await readFile(join(home, 'login-settings.json'), 'utf8')).not.toContain(String(privateJwk.d))
    },
  )

  it('a secret that is nowhere any more is named when it is needed, not before', async () => {
    await using world = await startMachineWorld()
    // Nothing is stored from one command to the next.
    const memory = { LATCHKEY_STORE: 'memory' }
    const withSecret = { ...memory, ROBOT_SECRET: SECRET }
    await run(world, ['login', world.mcpUrl, ...robot, ...secret], withSecret)
    expect((await run(world, ['token', world.mcpUrl], withSecret)).exitCode).toBe(0)
    expect((await run(world, ['status', world.mcpUrl], memory)).exitCode).toBe(0)
    const run2 = await run(world, ['token', world.mcpUrl], memory)
    expect(run2).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('ROBOT_SECRET is not set') })
  })

  it('R-CC-1 a wrong secret exits with 4, shows neither, and is not remembered', async () => {
    await using world = await startMachineWorld()
    const wrong = await run(world, ['login', world.mcpUrl, ...robot, ...secret, '--json'], { ROBOT_SECRET: 'canary' })
    expect(wrong.exitCode).toBe(4)
    expect(json(wrong).error).toMatchObject({ code: 'token_refused' })
    expect(`${wrong.stdout}${wrong.stderr}`).not.toContain('canary')
    await expect(readFile(join(home, 'login-settings.json'))).rejects.toThrow(/ENOENT/)
  })

  it('logout revokes what can be revoked and forgets the machine with --client', async () => {
    await using world = await startMachineWorld({ accessTokens: 'opaque' })
    await run(world, ['login', world.mcpUrl, ...robot, ...secret], { ROBOT_SECRET: SECRET })
    const out = await run(world, ['logout', world.mcpUrl, '--client'])
    expect(out, out.stderr).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('access token revoked') })
    expect(await readFile(join(home, 'login-settings.json'), 'utf8')).not.toContain('ROBOT_SECRET')
    expect((await run(world, ['token', world.mcpUrl])).exitCode).toBe(3)
  })

  it.each([
    [['--grant', 'password'], /client-credentials/],
    [['--grant', 'client-credentials'], /needs --client-id/],
    [robot, /needs --client-secret-env or --client-key/],
    [[...robot, ...secret], /ROBOT_SECRET is not set/],
    [[...robot, '--client-key', '/nowhere/key.pem'], /cannot be read/],
    [[...robot, ...secret, '--redirect-port', '3118'], /login in the browser/],
    [['--grant', 'device', '--device'], /cannot be used with/],
  ])('usage: login %j exits with 2', async (args, message) => {
    const world = { now: Date.now } as unknown as MachineWorld
    const result = await run(world, ['login', 'https://h.example/mcp', ...args, '--json'])
    expect(result.exitCode).toBe(2)
    expect(json(result).error.message).toMatch(message)
  })
})
