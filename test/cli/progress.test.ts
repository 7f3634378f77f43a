import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Io } from '../../cli/src/io.ts'
import { createProgress, progressBar, type Progress } from '../../cli/src/progress.ts'
import { createTerminal } from '../../cli/src/terminal.ts'

let text = ''
const silent = { write: (): void => undefined }
const { style: plain } = createTerminal({ stdout: silent, stderr: silent, env: {} } as unknown as Io)
const on = (animated: boolean): Progress =>
  createProgress({ columns: 40, write: (chunk: string) => (text += chunk) }, plain, { animated })

/** Ends only when told. */
function held(): { readonly task: () => Promise<void>; readonly end: () => void } {
  const over = new EventTarget()
  const ended = new Promise<void>(resolve => {
    over.addEventListener('end', () => resolve())
  })
  return { task: () => ended, end: () => over.dispatchEvent(new Event('end')) }
}

beforeEach(() => {
  vi.useFakeTimers()
  text = ''
})
afterEach(() => {
  vi.useRealTimers()
})

describe('progress', () => {
  it('says nothing of what is done at once', async () => {
    await on(true).during('Working', async () => undefined)
    await on(false).during('Working', async () => undefined)
    vi.advanceTimersByTime(5_000)
    expect(text).toBe('')
  })

  it('writes one plain line to a pipe, and only after a second', async () => {
    const { task, end } = held()
    const running = on(false).during('Working', task)
    vi.advanceTimersByTime(999)
    expect(text).toBe('')
    vi.advanceTimersByTime(60_000)
    expect(text).toBe('Working…\n')
    end()
    await running
    expect(text).not.toContain('\u001b')
  })

  it('spins on a terminal, steps aside for other lines, and leaves nothing behind', async () => {
    const { task, end } = held()
    const progress = on(true)
    const running = progress.during('Working', task)
    vi.advanceTimersByTime(500)
    expect(text).toMatch(/⠋|⠙/)
    text = ''
    progress.interrupt(() => (text += 'a line\n'))
    expect(text.replaceAll('\r\u001b[2K', '<clear>')).toMatch(/^<clear>a line\n<clear>\S Working$/)
    progress.update(`A label that is far too long for ${'a terminal '.repeat(9)}`)
    text = ''
    vi.advanceTimersByTime(100)
    expect(text.replace('\r\u001b[2K', '').length).toBeLessThan(40)
    end()
    await running
    expect(text.endsWith('\r\u001b[2K')).toBe(true)
    text = ''
    vi.advanceTimersByTime(5_000)
    expect(text).toBe('')
  })

  it('is silent while a person types', async () => {
    const { task, end } = held()
    const progress = on(true)
    const running = progress.during('Working', task)
    vi.advanceTimersByTime(500)
    progress.pause()
    text = ''
    vi.advanceTimersByTime(5_000)
    progress.update('Other')
    vi.advanceTimersByTime(5_000)
    expect(text).toBe('')
    end()
    await running
  })

  it('shows how far a task has come, on a terminal only', async () => {
    const { task, end } = held()
    const progress = on(true)
    const running = progress.during('Working', task)
    progress.advance('Half of it', 0.5)
    vi.advanceTimersByTime(500)
    expect(text).toMatch(/\S \[█{10}░{10}\] {2}50 % Half/)
    text = ''
    const plain = on(false).during('Plain', task)
    vi.advanceTimersByTime(5_000)
    expect(text).toContain('Plain…\n')
    end()
    await Promise.all([running, plain])
  })

  it.each([
    [-1, '[░░░░░░░░░░░░░░░░░░░░]   0 %'],
    [Number.NaN, '[░░░░░░░░░░░░░░░░░░░░]   0 %'],
    [0.999, '[███████████████████░]  99 %'],
    [7, '[████████████████████] 100 %'],
  ])('a share of %d is %s', (share, bar) => {
    expect(progressBar(share)).toBe(bar)
  })

  it('steps aside while a person is asked, keeps what others say until then, and goes on afterwards', async () => {
    const { task, end } = held()
    const question = held()
    const progress = on(true)
    const running = progress.during('Working', task)
    vi.advanceTimersByTime(500)
    const asking = progress.hold(question.task)
    text = ''
    vi.advanceTimersByTime(5_000)
    progress.interrupt(() => (text += 'said meanwhile\n'))
    expect(text).toBe('')
    question.end()
    await asking
    expect(text).toBe('said meanwhile\n')
    vi.advanceTimersByTime(500)
    expect(text).toContain('Working')
    end()
    await running
  })
})
