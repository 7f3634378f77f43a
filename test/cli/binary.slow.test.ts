import { execFileSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { createNetworkFetch } from '../../src/node/network-fetch.ts'
import { createWorld, runBinary, type Run, type World } from './world.ts'
import { CA, certificatePath, SERVER } from '../node/certificates.ts'
import { createTestProxy } from '../node/proxy.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const binary = `${root}cli/bin/latchkey.js`

beforeAll(() => {
  const built = ['dist/testing.js', 'cli/dist/main.js'].every(file => existsSync(`${root}${file}`))
  if (!built) execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' })
})

const run = (
  world: World,
  args: readonly string[],
  options: Partial<Parameters<typeof runBinary>[2]> = {},
): Promise<Run> => runBinary(binary, args, { input: '', ...options, env: { ...world.env, ...options.env } })

/** Ends `child` as Ctrl-C does. */
const interrupt = (child: ChildProcess | undefined): void => {
  child?.kill('SIGINT')
}

describe('the latchkey binary', () => {
  it('logs in once; every later process finds the login', async () => {
    await using world = await createWorld()
    expect(await run(world, ['call', world.url, 'echo'])).toMatchObject({ exitCode: 3, stdout: '' })
    expect((await run(world, ['login', world.url])).exitCode).toBe(0)
    expect(await run(world, ['call', world.url, 'sum', 'a=1'])).toEqual({ exitCode: 0, stdout: 'three\n', stderr: '' })
    const token = await run(world, ['token', world.url])
    expect(token).toMatchObject({ exitCode: 0, stderr: '' })
    expect(world.server.secrets()).toContain(token.stdout.trim())
    expect((await run(world, ['logout', '--all'])).exitCode).toBe(0)
    expect(JSON.parse((await run(world, ['status', '--json'])).stdout)).toEqual({ logins: [] })
    expect(world.server.requestsTo('authorize')).toHaveLength(1)
  })

  it('field A3: login --no-browser takes the redirect URL pasted on stdin', async () => {
    await using world = await createWorld()
    let seen = ''
    const result = await runBinary(binary, ['login', world.url, '--no-browser', '--json'], {
      env: world.env,
      onStart: child => {
        child.stderr?.on('data', chunk => {
          const before = seen
          seen += String(chunk)
          const url = /^ {2}(http\S+\/authorize\S+)\n/m.exec(seen)?.[1]
          if (url === undefined || /^ {2}http\S+\/authorize\S+\n/m.test(before)) return
          void world.server.approve(new URL(url)).then(redirect => child.stdin?.end(`${redirect.href}\n`))
        })
      },
    })
    expect(result.exitCode, result.stderr).toBe(0)
    expect(JSON.parse(result.stdout)).toMatchObject({ loggedIn: true })
  })

  it('Ctrl-C ends a login with 130', async () => {
    await using world = await createWorld()
    const result = await runBinary(binary, ['login', world.url, '--no-browser'], {
      env: world.env,
      onStart: child => {
        child.stderr?.on('data', chunk => {
          if (String(chunk).includes('/authorize')) interrupt(child)
        })
      },
    })
    expect(result).toMatchObject({ exitCode: 130, stdout: '' })
    expect(result.stderr).toMatch(/✗ cancelled\n$/)
  })

  it('R-TOKEN-3 Ctrl-C in the middle of a refresh still keeps the rotated token', async () => {
    await using world = await createWorld({ accessTokenLifetimeS: 2 })
    expect((await run(world, ['login', world.url])).exitCode).toBe(0)
    world.clock.now = () => Date.now() + 10_000
    const gate = new PassThrough()
    const until = once(gate, 'end')
    world.server.set({ accessTokenLifetimeS: 3_600, faults: { 'token:refresh_token': { kind: 'held-answer', until } } })
    world.server.rejectAccessTokens()
    let child: ChildProcess | undefined
    const interrupted = run(world, ['call', world.url, 'echo'], { onStart: started => (child = started) })
    await expect.poll(() => world.server.requestsTo('token:refresh_token').length, { timeout: 10_000 }).toBe(1)
    interrupt(child)
    gate.resume().end()
    expect((await interrupted).exitCode).toBe(130)
    expect(await run(world, ['call', world.url, 'echo'])).toMatchObject({ exitCode: 0 })
    expect(world.server.requestsTo('token:refresh_token')).toHaveLength(1)
  })

  it('a reader that has seen enough is no failure', async () => {
    await using world = await createWorld({ protection: 'nothing' })
    const result = await run(world, ['tools', world.url], { onStart: child => child.stdout?.destroy() })
    expect(result).toMatchObject({ exitCode: 0, stderr: '' })
  })

  it('field P1: discovery, registration, token and MCP requests all go through the proxy, trusting NODE_EXTRA_CA_CERTS', async () => {
    const hosted: { port?: number } = {}
    await using proxy = await createTestProxy({ portOf: () => hosted.port })
    const visitWith = createNetworkFetch({ ca: CA, env: { HTTPS_PROXY: proxy.url } })
    await using world = await createWorld(
      { issuers: ['https://as.latchkey.test', 'https://two.latchkey.test'], mcpUrl: 'https://mcp.latchkey.test/mcp' },
      { tls: SERVER, visitWith },
    )
    hosted.port = world.port
    // No name here resolves: whatever arrived came through the proxy.
    const env = { HTTPS_PROXY: proxy.url, NODE_EXTRA_CA_CERTS: certificatePath('ca') }
    const result = await run(world, ['call', world.url, 'echo', '--login'], { env })
    expect(result.exitCode, result.stderr).toBe(0)
    const steps = ['resource-metadata', 'server-metadata', 'registration', 'token', 'mcp']
    expect(world.server.requests.map(({ step }) => step)).toEqual(expect.arrayContaining(steps))
  })

  it.each([['--version'], ['--help'], ['login', '--help']])(
    '%s %s loads nothing of the library and no proxy',
    async (...args) => {
      const tracer = `export async function resolve(name, context, next) {
      const found = await next(name, context); process._rawDebug(found.url); return found }`
      const env = {
        PATH: process.env['PATH'] ?? '',
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(
          `import{register}from'node:module';register('data:text/javascript,${encodeURIComponent(tracer)}')`,
        )}`,
      }
      const { exitCode, stderr } = await runBinary(binary, args.filter(Boolean), { env, input: '' })
      expect(exitCode).toBe(0)
      const loaded = stderr.split('\n').filter(url => url.startsWith('file:'))
      expect(loaded.some(url => url.includes('/commander/'))).toBe(true)
      expect(
        loaded.filter(url => url.startsWith(`file://${root}dist/`) || /\/(undici|jose|commands)\//.test(url)),
      ).toEqual([])
    },
  )
})
