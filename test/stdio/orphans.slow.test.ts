import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildLibrary, type BuiltLibrary } from '../processes/built-library.ts'
import { killAll, type StartedProcess, startNode } from '../processes/started-process.ts'

let library: BuiltLibrary
beforeAll(async () => {
  library = await buildLibrary()
}, 60_000)
afterAll(() => {
  killAll()
  library.remove()
})

interface Host {
  readonly host: StartedProcess
  readonly server: number
}

async function startHost(mode: string, server: string): Promise<Host> {
  const host = startNode(resolve('test/stdio/host.mjs'), [library.folder, mode, server])
  const line = await host.said(each => each.startsWith('pid '))
  await host.said(each => each === 'ready')
  return { host, server: Number(line.slice(4)) }
}

/** Gone, or dead and waiting for init to take notice. */
async function expectGone(pid: number): Promise<void> {
  expect(pid).toBeGreaterThan(1)
  await expect.poll(() => stateOf(pid), { timeout: 5000 }).toMatch(/^(?:Z|)$/)
}

function stateOf(pid: number): string {
  try {
    return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .slice(0, 1)
  } catch {
    return ''
  }
}

describe('a server whose host ends without closing it', () => {
  it.each([
    ['exits', 'plain', 0],
    ['exits', 'unwilling', 0],
    ['exits', 'stubborn', 0],
    ['throws', 'stubborn', 1],
  ])('is ended when the host %s, even a %s one', async (mode, server, code) => {
    const started = await startHost(mode, server)
    expect(await started.host.ended).toBe(code)
    await expectGone(started.server)
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'is ended when %s ends the host, which it still does',
    async signal => {
      const { host, server } = await startHost('waits', 'stubborn')
      host.kill(signal)
      expect(await host.ended).toBe(signal)
      await expectGone(server)
    },
  )

  it('exits by the end of its input when the host is killed', async () => {
    const { host, server } = await startHost('waits', 'plain')
    host.kill('SIGKILL')
    expect(await host.ended).toBe('SIGKILL')
    await expectGone(server)
  })

  it('goes on when the host handles the signal and goes on', async () => {
    const { host, server } = await startHost('listens', 'plain')
    for (const count of [1, 2]) {
      host.kill('SIGINT')
      await expect.poll(() => host.lines.filter(line => line === 'heard').length).toBe(count)
    }
    host.tell('call')
    await host.said(line => line === 'answered')
    host.kill('SIGTERM')
    expect(await host.ended).toBe('SIGTERM')
    await expectGone(server)
  })

  it('does not keep others who listen from ending the host', async () => {
    const { host, server } = await startHost('polite', 'plain')
    host.kill('SIGINT')
    expect(await host.ended).toBe('SIGINT')
    await expectGone(server)
  })
})
