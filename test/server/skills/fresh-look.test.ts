import { expect, it, vi } from 'vitest'
import { createFreshLook } from '../../../src/server/skills/fresh-look.ts'

it('whoever asks during a look gets the next one, all of them together', async () => {
  const ends: (() => void)[] = []
  const look = vi.fn(async () => {
    const turn = look.mock.calls.length
    await new Promise<void>(resolve => ends.push(resolve))
    return turn
  })
  const ask = createFreshLook(look)
  const first = ask()
  const others = [ask(), ask(), ask()]
  expect(look).toHaveBeenCalledTimes(1)
  ends[0]?.()
  expect(await first).toBe(1)
  await expect.poll(() => look).toHaveBeenCalledTimes(2)
  ends[1]?.()
  expect(await Promise.all(others)).toEqual([2, 2, 2])
  const last = ask()
  expect(look).toHaveBeenCalledTimes(3)
  ends[2]?.()
  expect(await last).toBe(3)
})

it('there is never more than one look at a time, whenever one asks', async () => {
  let running = 0
  let most = 0
  const ask = createFreshLook(async () => {
    most = Math.max(most, ++running)
    await Promise.resolve()
    running--
  })
  const asked: Promise<void>[] = []
  for (let turn = 0; turn < 50; turn++) {
    asked.push(ask(), ask())
    await Promise.resolve()
  }
  await Promise.all(asked)
  expect(most).toBe(1)
})

it('a look that fails fails only those who got it', async () => {
  const look = vi.fn<() => Promise<string>>().mockRejectedValueOnce(new Error('no')).mockResolvedValue('yes')
  const ask = createFreshLook(look)
  const [first, second] = await Promise.allSettled([ask(), ask()])
  expect(first).toMatchObject({ status: 'rejected' })
  expect(second).toMatchObject({ value: 'yes' })
})
