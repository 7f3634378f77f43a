import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type RunningServer, serve } from 'latchkey/node'
import { createServer } from 'latchkey/server'
import { runInProcess } from './world.ts'

let home = ''
let running: RunningServer
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'latchkey-cli-'))
  const server = createServer({
    name: 'notes',
    version: '1.0.0',
    // What a protected server does for those who may not use a tool yet.
    middleware: [async (call, next) => (call.method === 'tools/list' ? { ...(await next()), tools: [] } : next())],
  })
  server.tool('forget', {}, args => `forgot ${JSON.stringify(args)}`)
  running = await serve(server)
})
afterEach(async () => {
  await running.close()
  await rm(home, { recursive: true, force: true })
})

const call = (...args: string[]) =>
  runInProcess(['call', running.url, ...args], { cwd: home, env: { LATCHKEY_HOME: home, NO_COLOR: '1' } }, Date.now)

describe('a tool that the server does not list', () => {
  it('is called with --input, since a server may show it only to those who may use it', async () => {
    expect(await call('forget', '--input', '{"all":true}')).toMatchObject({
      exitCode: 0,
      stdout: 'forgot {"all":true}\n',
    })
  })

  it('is unknown without, for its arguments cannot be read', async () => {
    const run = await call('forget', 'all=true')
    expect(run.exitCode).toBe(2)
    expect(run.stderr).toContain('this server has no tool “forget”')
  })

  it('is an error of the server when there is no such tool at all', async () => {
    const run = await call('nothing', '--input', '{}')
    expect(run.exitCode).toBe(5)
    expect(run.stderr).toContain('Unknown tool: nothing')
  })
})
