import { describe, expect, it } from 'vitest'
import { readAssertion } from '../../src/oauth/flows/read-assertion.ts'

const options = { step: 'workload identity', signal: new AbortController().signal, patienceMs: 20 }
const later = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

describe('a token that somebody hands out', () => {
  it('R-WIF-1 is waited for so long, and no longer', async () => {
    const silent = readAssertion(() => new Promise(() => undefined), options)
    await expect(silent).rejects.toMatchObject({ code: 'timeout', detail: { step: 'workload identity' } })
  })

  it('is waited for as long as a person takes, and the patience begins anew afterwards', async () => {
    const asking = readAssertion(async pause => {
      const resume = pause()
      await later(100)
      resume()
      return ' token\n'
    }, options)
    await expect(asking).resolves.toBe('token')
    const silentAfterwards = readAssertion(async pause => {
      pause()()
      return new Promise<string>(() => undefined)
    }, options)
    await expect(silentAfterwards).rejects.toMatchObject({ code: 'timeout' })
  })

  it('ends with its caller', async () => {
    const controller = new AbortController()
    const reading = readAssertion(() => new Promise(() => undefined), { ...options, signal: controller.signal })
    controller.abort()
    await expect(reading).rejects.toMatchObject({ code: 'aborted' })
  })

  it.each([
    ['nothing', () => '  '],
    ['no text', () => undefined as unknown as string],
    ['an error that quotes it', () => Promise.reject(new Error('canary'))],
  ])('is an error when it is %s', async (_name, read) => {
    const failure: unknown = await readAssertion(read, options).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'configuration' })
    expect(JSON.stringify(failure) + String(failure)).not.toContain('canary')
  })
})
