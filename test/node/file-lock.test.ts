import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { withFileLock } from '../../src/node/file-lock.ts'
import { isCertainlyGone, ownIdentity, type ProcessIdentity } from '../../src/node/process-identity.ts'
import { temporaryFolder } from './folder.ts'

const own = await ownIdentity()

/** The number of a process that existed. */
async function endedPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' })
  await once(child, 'exit')
  return child.pid!
}

/** A folder whose lock `owner` left behind. */
async function lockedBy(owner: unknown): Promise<string> {
  const folder = join(await temporaryFolder(), 'lock')
  await mkdir(folder, { mode: 0o700 })
  await writeFile(join(folder, '1'), typeof owner === 'string' ? owner : JSON.stringify(owner), { mode: 0o600 })
  return folder
}

const take = (folder: string, timeoutMs = 0): Promise<string> =>
  withFileLock(folder, async () => 'taken', { own, timeoutMs })

const locked = { name: 'StoreError', code: 'locked' }

afterEach(() => {
  vi.useRealTimers()
})

describe('whose lock is taken over (field M8)', () => {
  it('that of a process whose number is free', async () => {
    expect(await take(await lockedBy({ ...own, pid: await endedPid() }))).toBe('taken')
  })

  it.runIf(own.started !== '')('that of a process whose number another one has now', async () => {
    expect(await take(await lockedBy({ ...own, started: `${own.started}0` }))).toBe('taken')
  })

  it.runIf(own.boot !== '')('that of a process from before the machine was restarted', async () => {
    expect(await take(await lockedBy({ ...own, boot: 'an earlier one' }))).toBe('taken')
  })

  it.runIf(process.platform === 'linux')('that of a killed process that nobody has collected yet', async () => {
    const parent = spawn('/bin/sh', ['-c', 'sleep 0.5 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer]
      const pid = Number(String(line).trim())
      await expect.poll(() => readFile(`/proc/${pid}/stat`, 'utf8')).toContain(') Z ')
      expect(await isCertainlyGone({ ...own, pid, started: '' }, own)).toBe(true)
    } finally {
      parent.kill('SIGKILL')
    }
  })

  it('no other: not a living one, however long its silence', async () => {
    const folder = await lockedBy(own)
    await utimes(join(folder, '1'), 1, 1)
    await expect(take(folder)).rejects.toMatchObject({
      ...locked,
      message: expect.stringContaining('last sign of life'),
    })
    expect(await readdir(folder)).toEqual(['1'])
  })

  it.each<[string, (pid: number) => ProcessIdentity]>([
    ['on another host', pid => ({ ...own, pid, host: 'elsewhere' })],
    ['in another container', pid => ({ ...own, pid, namespace: 'pid:[1]' })],
  ])('no other: not one %s, whose number means nothing here', async (_, owner) => {
    const folder = await lockedBy(owner(await endedPid()))
    // Nobody here can tell that it is gone, so a person must: the error names the process and the file.
    await expect(take(folder)).rejects.toMatchObject({
      ...locked,
      message: expect.stringMatching(/^Process \d+ on \S+ holds the lock .* last sign of life \d+ s ago/),
      detail: { path: join(folder, '1'), hint: expect.stringContaining(`remove ${join(folder, '1')}`) },
    })
  })

  it.each(['half a li', '{}', '[]', 'null', '{"pid":1}', JSON.stringify({ ...own, pid: -1 })])(
    'no other: not one that does not name its owner (%s); the error says what to remove',
    async content => {
      const folder = await lockedBy(content)
      await expect(take(folder)).rejects.toMatchObject({
        ...locked,
        detail: { hint: expect.stringContaining(join(folder, '1')) },
      })
    },
  )

  it.each([-10, 10])('no other: not a living one when the clock jumps %i years', async years => {
    const folder = await lockedBy(own)
    const now = Date.now() + years * 31_556_952_000
    vi.useFakeTimers({ toFake: ['Date'], now })
    const message = expect.stringMatching(years < 0 ? / 0 s ago/ : / \d{9} s ago/)
    await expect(take(folder)).rejects.toMatchObject({ ...locked, message })
    expect(await readdir(folder)).toEqual(['1'])
  })

  it('by one alone of all who find it', async () => {
    const folder = await lockedBy({ ...own, pid: await endedPid() })
    let inside = 0
    const entered: number[] = []
    await Promise.all(
      Array.from({ length: 10 }, () =>
        withFileLock(
          folder,
          async () => {
            entered.push(++inside)
            await new Promise(resolve => setImmediate(resolve))
            inside--
          },
          { own },
        ),
      ),
    )
    expect(entered).toEqual(Array.from({ length: 10 }, () => 1))
  })
})

describe('a lock', () => {
  it('is free when its file is empty, as after a power cut', async () => {
    expect(await take(await lockedBy(''))).toBe('taken')
  })

  it('is given back when the task fails, and the failure passes', async () => {
    const folder = await lockedBy('')
    const failing = withFileLock(folder, () => Promise.reject(new Error('mine')), { own })
    await expect(failing).rejects.toThrow('mine')
    expect(await take(folder)).toBe('taken')
  })

  it('does not hide the result of a task when its folder is gone', async () => {
    const folder = await lockedBy('')
    const result = withFileLock(folder, () => rm(folder, { recursive: true }).then(() => 'done'), { own })
    expect(await result).toBe('done')
  })

  it('is refused at once to a caller who has stopped waiting already', async () => {
    const folder = await lockedBy('')
    let ran = false
    const refused = withFileLock(folder, async () => void (ran = true), { own, signal: AbortSignal.abort() })
    await expect(refused).rejects.toMatchObject(locked)
    expect(ran).toBe(false)
  })

  it('shows that its owner lives, every five seconds, without keeping the process alive', async () => {
    const folder = await lockedBy('')
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    await withFileLock(
      folder,
      async () => {
        const path = join(folder, '2')
        await utimes(path, 1, 1)
        vi.advanceTimersByTime(4_999)
        expect((await stat(path)).mtimeMs).toBe(1_000)
        vi.advanceTimersByTime(1)
        await expect.poll(async () => (await stat(path)).mtimeMs).toBeGreaterThan(1_000)
      },
      { own },
    )
    expect(vi.getTimerCount()).toBe(0)
  })
})
