import { describe, expect, it } from 'vitest'
import { connect } from '../../src/client.ts'
import { serve } from '../../src/node.ts'
import { createServer } from '../../src/server.ts'
import { isGivenUp } from '../../src/server/given-up.ts'

describe('work that was told to stop', () => {
  const stopped = AbortSignal.abort(new DOMException('The client cancelled', 'AbortError'))

  it('has failed in no way when it ends with the reason, or says in another way that it was aborted', () => {
    expect(isGivenUp(stopped.reason, stopped)).toBe(true)
    expect(isGivenUp(Object.assign(new Error('The operation was aborted'), { name: 'AbortError' }), stopped)).toBe(true)
    const reason = 'any value'
    expect(isGivenUp(reason, AbortSignal.abort(reason))).toBe(true)
  })

  it('has failed when something else went wrong while it stopped', () => {
    expect(isGivenUp(new Error('The disk is full'), stopped)).toBe(false)
    expect(isGivenUp(undefined, stopped)).toBe(false)
  })

  it('has failed when nobody told it to stop', () => {
    const { signal } = new AbortController()
    expect(isGivenUp(new DOMException('Timed out elsewhere', 'AbortError'), signal)).toBe(false)
    expect(isGivenUp(undefined, signal)).toBe(false)
  })
})

describe('a call that the client cancels', () => {
  it.each(['tool', 'resource'] as const)(
    'reaches onError in no way when the handler of the %s stops with its signal',
    async kind => {
      const errors: unknown[] = []
      let begin = (): void => undefined
      const begun = new Promise<void>(resolve => (begin = resolve))
      const untilStopped = (_asked: unknown, { signal }: { readonly signal: AbortSignal }): Promise<never> => {
        begin()
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
      }
      const server = createServer({ name: 'slow', version: '1.0.0', onError: error => errors.push(error) })
      server.tool('wait', {}, untilStopped)
      server.resource('slow:wait', {}, untilStopped)
      const running = await serve(server)
      const client = await connect(running.url)
      const cancel = new AbortController()
      const { signal } = cancel
      const call =
        kind === 'tool' ? client.callTool('wait', {}, { signal }) : client.readResource('slow:wait', { signal })
      const ended = expect(call).rejects.toThrow('The wait for')
      await begun
      cancel.abort()
      await ended
      await client.close()
      await running.close()
      expect(errors).toEqual([])
    },
  )
})
