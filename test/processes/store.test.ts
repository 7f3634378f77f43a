import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync } from 'node:fs'
import { chmod, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { createFileStore } from '../../src/node/file-store.ts'
import { temporaryFolder } from '../node/folder.ts'
import { killAll, startNode, type StartedProcess } from './started-process.ts'

const child = fileURLToPath(new URL('store-child.mjs', import.meta.url))
const key = { server: 'https://mcp.example.com/mcp', profile: 'default' }
const ISSUER = 'https://as.example.com'

const built = inject('library')
afterEach(killAll)

function start(directory: string, what: string, number = 0): StartedProcess {
  return startNode(child, [join(built, 'node/file-store.js'), directory, what, String(number)])
}

const directoryOf = async (): Promise<string> => join(await temporaryFolder(), 'credentials')

async function count(directory: string): Promise<number> {
  return (await createFileStore({ directory }).get(key))?.record.issuers[ISSUER]?.refreshRefusedAt ?? 0
}

describe('many processes, one store', () => {
  it('field M5: increments by compare-and-set from six processes are all there', async () => {
    const directory = await directoryOf()
    const started = Array.from({ length: 6 }, () => start(directory, 'increment', 25))
    expect(await Promise.all(started.map(each => each.ended))).toEqual([0, 0, 0, 0, 0, 0])
    expect(await count(directory)).toBe(150)
    expect((await createFileStore({ directory }).get(key))?.version).toBe(150)
  })

  it('field M1: under the lock nobody else gets in', async () => {
    const directory = await directoryOf()
    const started = Array.from({ length: 5 }, () => start(directory, 'incrementUnderLock', 20))
    expect(await Promise.all(started.map(each => each.ended))).toEqual([0, 0, 0, 0, 0])
    expect(await count(directory)).toBe(100)
  })

  it('processes that make the store at once end with one data key and every record', async () => {
    const directory = await directoryOf()
    const started = Array.from({ length: 8 }, (_, index) => start(directory, 'createAnother', index + 1))
    expect(new Set(await Promise.all(started.map(each => each.ended)))).toEqual(new Set([0]))
    const profiles = (await createFileStore({ directory }).list()).map(({ profile }) => profile).sort()
    expect(profiles).toEqual(['p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'p8'])
  })
})

describe('kill -9', () => {
  it('in the middle of writing leaves the last version that was reported, or the one after', async () => {
    const directory = await directoryOf()
    for (let round = 1; round <= 12; round++) {
      const writer = start(directory, 'incrementForEver')
      // It goes on writing meanwhile: the kill meets it at some moment of a write.
      await writer.saidLines(round)
      writer.process.kill('SIGKILL')
      expect(await writer.ended).toBe('SIGKILL')
      const reported = Number(writer.lines.at(-1))
      expect([reported, reported + 1]).toContain(await count(directory))
    }
  })

  it('of several writers loses nothing that was reported, and those who live go on', async () => {
    const directory = await directoryOf()
    const writers = Array.from({ length: 4 }, () => start(directory, 'incrementForEver'))
    await Promise.all(writers.map(writer => writer.saidLines(3)))
    const survivor = writers[3]!
    for (const writer of writers.slice(0, 3)) {
      writer.process.kill('SIGKILL')
      await writer.ended
      await survivor.saidLines(survivor.lines.length + 2)
    }
    survivor.process.kill('SIGKILL')
    await survivor.ended
    const reported = writers.flatMap(({ lines }) => lines.map(Number))
    // Every count was reached once: a lost update would make one twice.
    expect(new Set(reported).size).toBe(reported.length)
    expect(await count(directory)).toBeGreaterThanOrEqual(Math.max(...reported))
  })

  it('field M8: at any moment, the lock held or not, loses nothing that was reported, and the others go on', async () => {
    const directory = await directoryOf()
    const writers = Array.from({ length: 3 }, () => start(directory, 'incrementForEverUnderLock'))
    const killed: StartedProcess[] = []
    const reported = (): number[] => [...killed, ...writers].flatMap(({ lines }) => lines.map(Number))
    await Promise.all(writers.map(writer => writer.saidLines(1)))
    for (let kills = 0; kills < 20; kills++) {
      const [victim] = writers.splice(Math.floor(Math.random() * 3), 1)
      killed.push(victim!)
      await new Promise(resolve => setTimeout(resolve, Math.random() * 25))
      victim!.process.kill('SIGKILL')
      await victim!.ended
      // Taken first: the others go on while the store is being read.
      const known = Math.max(...reported())
      expect(await count(directory)).toBeGreaterThanOrEqual(known)
      writers.push(start(directory, 'incrementForEverUnderLock'))
      // Somebody gets the lock, whoever was killed with it.
      await Promise.race(writers.map(writer => writer.saidLines(writer.lines.length + 1)))
    }
    expect(new Set(reported()).size).toBe(reported().length)
  })

  it('leaves nothing that grows: the next writer clears up', async () => {
    const directory = await directoryOf()
    for (let round = 0; round < 6; round++) {
      const writer = start(directory, 'incrementForEver')
      await writer.saidLines(2)
      writer.process.kill('SIGKILL')
      await writer.ended
    }
    const last = start(directory, 'increment', 3)
    expect(await last.ended).toBe(0)
    const [folder] = (await readdir(directory)).filter(name => name !== 'data-key')
    const names = await readdir(join(directory, folder!))
    expect(names.filter(name => name.startsWith('.new'))).toEqual([])
    const full = await Promise.all(names.map(async name => (await stat(join(directory, folder!, name))).size > 0))
    expect(full.filter(Boolean)).toHaveLength(1)
  })

  it('field M8: the lock of a killed process is taken over at once, by one of those who wait', async () => {
    const directory = await directoryOf()
    const holder = start(directory, 'hold')
    await holder.saidLines(1)
    const waiting = Array.from({ length: 4 }, () => start(directory, 'incrementUnderLock', 5))
    holder.process.kill('SIGKILL')
    await holder.ended
    expect(await Promise.all(waiting.map(each => each.ended))).toEqual([0, 0, 0, 0])
    expect(await count(directory)).toBe(20)
  })

  it('field M8: a holder that is stopped is waited for, since it may wake up', async () => {
    const directory = await directoryOf()
    const holder = start(directory, 'hold')
    await holder.saidLines(1)
    holder.process.kill('SIGSTOP')
    const impatient = createFileStore({ directory, lockTimeoutMs: 300 })
    await expect(impatient.withLock(key, async () => 'in')).rejects.toMatchObject({
      name: 'StoreError',
      code: 'locked',
      message: expect.stringContaining(String(holder.process.pid)),
    })
    holder.process.kill('SIGKILL')
    await holder.ended
    expect(await createFileStore({ directory }).withLock(key, async () => 'in')).toBe('in')
  })

  it('field M8: a holder whose event loop is blocked gives no heartbeat and keeps its lock', async () => {
    const directory = await directoryOf()
    const holder = start(directory, 'holdSilently', 1_000)
    await holder.saidLines(1)
    const waiter = start(directory, 'lockAndSay')
    await waiter.saidLines(1)
    expect(holder.lines).toEqual(['held', 'letting go'])
    expect(await waiter.ended).toBe(0)
  })
})

describe.runIf(process.getuid?.() === 0)('two users', () => {
  const somebody = { uid: 65_534, gid: 65_534 }
  /** One write by another user, and how it ended. */
  function writtenBySomebody(directory: string): string {
    // The tree itself may be closed to others.
    chmodSync(built, 0o755)
    const theirs = join(built, 'child.mjs')
    copyFileSync(child, theirs)
    const { stderr } = spawnSync(
      process.execPath,
      [theirs, join(built, 'node/file-store.js'), directory, 'increment', '1'],
      { ...somebody, encoding: 'utf8' },
    )
    return stderr
  }

  it('field L8: nobody opens the store of another user, or writes into it', async () => {
    const directory = await directoryOf()
    expect(await start(directory, 'increment', 1).ended).toBe(0)
    expect(writtenBySomebody(directory)).toMatch(/StoreError: .* cannot be read \(EACCES\)/)
    await chmod(join(directory, '..'), 0o755)
    expect(writtenBySomebody(directory)).toMatch(/StoreError: .* belongs to another user/)
    expect(await count(directory)).toBe(1)
  })

  it('a home that cannot be written is said to be just that', async () => {
    const directory = await directoryOf()
    await chmod(join(directory, '..'), 0o755)
    expect(writtenBySomebody(directory)).toMatch(/StoreError: .* cannot be written \(EACCES\)/)
    expect(existsSync(directory)).toBe(false)
  })
})
