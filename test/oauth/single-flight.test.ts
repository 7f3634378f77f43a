import { expect, it } from 'vitest'
import { createSingleFlight } from '../../src/oauth/single-flight.ts'

function gate(): { opened: Promise<void>; open: () => void } {
  const target = new EventTarget()
  const opened = new Promise<void>(resolve => target.addEventListener('open', () => resolve()))
  return { opened, open: () => void target.dispatchEvent(new Event('open')) }
}

it('who comes after a run was cancelled does not get its end, but the next run', async () => {
  const flight = createSingleFlight<string>({ cancellable: true })
  const cleanedUp = gate()
  const caller = new AbortController()
  const cancelled = flight.run(
    async signal => {
      await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
      await cleanedUp.opened
      throw new Error('cancelled')
    },
    { signal: caller.signal },
  )
  caller.abort()
  await expect(cancelled).rejects.toMatchObject({ code: 'aborted' })
  expect(await flight.join()).toBe(false)
  const next = flight.run(async () => 'next')
  cleanedUp.open()
  expect(await next).toBe('next')
})

it('a run that nobody may cancel goes on without anybody waiting', async () => {
  const flight = createSingleFlight<string>({ cancellable: false })
  const held = gate()
  const caller = new AbortController()
  let ended = false
  const alone = flight.run(
    async signal => {
      await held.opened
      ended = !signal.aborted
      return 'the same'
    },
    { signal: caller.signal },
  )
  caller.abort()
  await expect(alone).rejects.toMatchObject({ code: 'aborted' })
  const joined = flight.run(async () => 'another')
  held.open()
  expect([await joined, ended]).toEqual(['the same', true])
})
