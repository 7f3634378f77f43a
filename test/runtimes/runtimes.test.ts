import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Client, connect } from '../../src/client.ts'
import { installLocked } from '../interop/locked-packages.ts'
import { buildLibrary, type BuiltLibrary } from '../processes/built-library.ts'
import { type RuntimeServer, startOnBun, startOnDeno, startOnWorkerd } from './runtimes.ts'

const areThere = ((): boolean => {
  try {
    installLocked('test/runtimes', 'Bun, Deno and workerd (about 350 MB)')
    return true
  } catch (error) {
    // A machine without them, or without a network, tests on Node only; CI must have them.
    if (process.env['LATCHKEY_REQUIRE_RUNTIMES']) throw error
    console.log('SKIPPED: Bun, Deno and workerd could not be installed, so the server was not tried on them.')
    return false
  }
})()

let library: BuiltLibrary | undefined
beforeAll(async () => {
  if (areThere) library = await buildLibrary()
})
afterAll(() => library?.remove())

describe.runIf(areThere).each([
  ['Bun', startOnBun, true],
  ['Deno', startOnDeno, true],
  ['workerd', startOnWorkerd, false],
] as const)('the server on %s', (_runtime, start, keepsSessions) => {
  let server: RuntimeServer
  beforeAll(async () => {
    server = await start(library?.folder ?? '')
  })
  afterAll(async () => {
    await server.stop()
    expect(server.complaints()).toBe('')
  })

  let client: Client
  const open = async (revision: '2026-07-28' | '2025-11-25'): Promise<Client> => {
    client = await connect(server.url, {
      revision,
      elicitation: { form: () => ({ action: 'accept', content: { sure: true } }) },
    })
    return client
  }
  afterEach(() => client.close())
  const textOf = async (name: string, args = {}): Promise<string> => {
    const [content] = (await client.callTool(name, args)).content
    return content?.type === 'text' ? content.text : ''
  }

  it.each(['2026-07-28', '2025-11-25'] as const)('answers in one piece and in a stream, on %s', async revision => {
    await open(revision)
    expect(client.revision).toBe(revision)
    expect(client.sessionId !== undefined).toBe(keepsSessions && revision === '2025-11-25')
    expect(await textOf('add', { a: 2, b: 3 })).toBe('{"sum":5}')
    expect(await client.callTool('add', { a: 2, b: 'three' })).toMatchObject({ isError: true })
    const steps: number[] = []
    await client.callTool('work', {}, { onProgress: ({ progress }) => void steps.push(progress) })
    expect(steps).toEqual([1, 2, 3])
  })

  it('asks before a handler runs, in rounds', async () => {
    await open('2026-07-28')
    expect(await textOf('confirm')).toBe('sure: true')
  })

  it.runIf(keepsSessions)('asks before a handler runs, in a session', async () => {
    await open('2025-11-25')
    expect(await textOf('confirm')).toBe('sure: true')
  })

  it('answers many at once', async () => {
    await open('2026-07-28')
    const sums = await Promise.all(Array.from({ length: 50 }, (_, index) => textOf('add', { a: index, b: 1 })))
    expect(sums).toEqual(Array.from({ length: 50 }, (_, index) => JSON.stringify({ sum: index + 1 })))
  })

  it('lets a handler hear that its client went away', async () => {
    await open('2026-07-28')
    const controller = new AbortController()
    const { signal } = controller
    await expect(client.callTool('wait', {}, { signal, onProgress: () => controller.abort() })).rejects.toThrow()
    await expect.poll(() => textOf('given_up')).toBe('1')
  })
})
