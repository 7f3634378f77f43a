import { describe, expect, it } from 'vitest'
import { createSharedFlights } from '../../src/resource-server/shared-flight.ts'

function gate(): { promise: Promise<string>; open: (value: string) => void } {
  let open!: (value: string) => void
  const promise = new Promise<string>(resolve => (open = resolve))
  return { promise, open }
}

describe('a run that several wait for', () => {
  it('is one for each key, and nothing is left of it', async () => {
    const flights = createSharedFlights<string>()
    const { promise, open } = gate()
    let runs = 0
    const task = () => (runs++, promise)
    const waiting = [flights.run('a', task), flights.run('a', task), flights.run('b', task)]
    expect([runs, flights.size]).toEqual([2, 2])
    open('done')
    expect(await Promise.all(waiting)).toEqual(['done', 'done', 'done'])
    expect(flights.size).toBe(0)
  })

  it('fails for everybody, and the next starts anew', async () => {
    const flights = createSharedFlights<string>()
    const fails = () => Promise.reject<string>(new Error('no'))
    const outcomes = await Promise.allSettled([flights.run('a', fails), flights.run('a', fails)])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await flights.run('a', async () => 'yes')).toBe('yes')
  })

  it('is not joined after it was left, and does not end its successor', async () => {
    const flights = createSharedFlights<string>()
    const [first, second] = [gate(), gate()]
    const early = flights.run('a', () => first.promise)
    flights.leave('a')
    const late = flights.run('a', () => second.promise)
    first.open('first')
    expect(await early).toBe('first')
    expect(flights.size).toBe(1)
    second.open('second')
    expect(await late).toBe('second')
  })

  it('is everybody’s own where one request must not wait for another (Workers)', async () => {
    const flights = createSharedFlights<string>(false)
    let runs = 0
    const task = async () => String(++runs)
    expect(await Promise.all([flights.run('a', task), flights.run('a', task)])).toEqual(['1', '2'])
  })

  it('leaves no listener at a signal', async () => {
    const flights = createSharedFlights<string>()
    const { signal } = new AbortController()
    let listeners = 0
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args))
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args))
    await flights.run('a', async () => 'done', signal)
    await Promise.resolve()
    expect(listeners).toBe(0)
    await expect(flights.run('b', async () => 'done', AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
  })
})
