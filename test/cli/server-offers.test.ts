import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RpcError } from 'latchkey/client'
import { describe, expect, it } from 'vitest'
import { callProgress } from '../../cli/src/call-progress.ts'
import type { CommandContext } from '../../cli/src/command-context.ts'
import { promptArguments } from '../../cli/src/arguments/prompt-arguments.ts'
import { describeFailure } from '../../cli/src/failure.ts'
import type { Io } from '../../cli/src/io.ts'
import { listAll } from '../../cli/src/listing.ts'
import { listingText } from '../../cli/src/listing-text.ts'
import { orNothing } from '../../cli/src/missing-feature.ts'
import { OutputError } from '../../cli/src/output-error.ts'
import { saveMedia } from '../../cli/src/save-media.ts'
import { serverLogLine } from '../../cli/src/server-log.ts'
import { styleFor } from '../../cli/src/style.ts'
import { createTerminal } from '../../cli/src/terminal.ts'

const style = styleFor({ write: () => undefined }, {})

/** A command that says nothing to nobody but the test. */
function commandContext(options: { readonly verbose?: boolean; readonly cwd?: string } = {}) {
  const said = { text: '' }
  const output = { write: (data: string | Uint8Array) => (said.text += String(data)) }
  const { verbose = false, cwd } = options
  const io = { stdout: output, stderr: output, env: {}, ...(cwd !== undefined && { cwd }) } as unknown as Io
  const context: CommandContext = {
    io,
    terminal: createTerminal(io),
    options: { profile: 'default', header: [], verbose },
  }
  return { context, said }
}

describe('a list in pages', () => {
  it('is one result object: the first page with the items of all', async () => {
    const pages = [
      { tools: [1], nextCursor: 'a', _meta: { first: true } },
      { tools: [2], nextCursor: 'b' },
      { tools: [3] },
    ]
    const asked: unknown[] = []
    const all = await listAll('tools', async page => (asked.push(page), pages[asked.length - 1] ?? { tools: [] }))
    expect(all).toEqual({ tools: [1, 2, 3], _meta: { first: true } })
    expect(asked).toEqual([{}, { cursor: 'a' }, { cursor: 'b' }])
  })

  it.each(['', 'again'])('ends at the cursor %j of a server that never stops', async nextCursor => {
    let asked = 0
    await listAll('tools', async () => ({ tools: [asked++], nextCursor }))
    expect(asked).toBeLessThanOrEqual(2)
  })
})

describe('a feature that is missing', () => {
  const missing = (code: number) => () => Promise.reject(new RpcError(code, 'no'))

  it('is an empty list where the server never promised it', async () => {
    expect(await orNothing(undefined, [], missing(-32601))).toEqual([])
    await expect(orNothing({}, [], missing(-32601))).rejects.toThrow('no')
    await expect(orNothing(undefined, [], missing(-32603))).rejects.toThrow('no')
  })
})

describe('a list for people', () => {
  it('keeps names whole, and nothing in it drives a terminal', () => {
    const long = `file:///${'x'.repeat(400)}`
    expect(listingText([{ name: long }, { name: 'b' }], style)).toBe(`${long}\nb\n`)
    const text = listingText(
      [
        {
          name: 'a\u001b[2J',
          about: 'one\n\ntwo',
          facts: ['text/plain', ''],
          arguments: [{ name: 'n', required: true }],
        },
        { name: 'b' },
      ],
      style,
    )
    expect(text).toBe('a [2J\n  one\n  text/plain\n    n*\n\nb\n')
  })
})

describe('what the server logs', () => {
  it('is one line, without control characters', () => {
    const line = serverLogLine({
      method: 'notifications/message',
      params: { level: 'warning', logger: 'db', data: { a: 'x\u001b[2J\ny' } },
    })
    expect(line).toMatch(/^server warning db: \{"a":"x/)
    expect(line).not.toContain('\n')
    expect(serverLogLine({ method: 'notifications/message', params: { data: 'a\u001bb' } })).toBe('server log: a b')
  })

  it('is nothing where it is another notification, or none at all', () => {
    expect(serverLogLine({ method: 'notifications/tools/list_changed' })).toBeUndefined()
    expect(serverLogLine({ method: 'notifications/message', params: 'odd' })).toBeUndefined()
  })
})

describe('a task that a call becomes', () => {
  const steps = ['working', 'working', 'input_required', 'completed'] as const

  it('is told with --verbose, each change once', () => {
    const { context, said } = commandContext({ verbose: true })
    const { onTask } = callProgress(context, 'Calling it')
    for (const status of steps) onTask({ taskId: 't\u001b1', status })
    expect(said.text).toBe('· task t 1: working\n· task t 1: input required\n· task t 1: completed\n')
  })

  it('is silent otherwise', () => {
    const { context, said } = commandContext()
    const { onTask } = callProgress(context, 'Calling it')
    for (const status of steps) onTask({ taskId: 't', status })
    expect(said.text).toBe('')
  })
})

describe('files of one answer', () => {
  it('are a hundred at most', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-media-'))
    try {
      const { context, said } = commandContext({ cwd: folder })
      const media = Array.from({ length: 103 }, () => ({
        what: 'image',
        name: undefined,
        mimeType: 'image/png',
        bytes: Buffer.from('x'),
      }))
      await saveMedia(context, media, { stem: 'many' })
      expect(await readdir(folder)).toHaveLength(100)
      expect(said.text).toContain('! 3 more are not saved')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('that cannot be written exit with 1', () => {
    const error = new OutputError('a.png cannot be written: the disk is full', { hint: 'make room' })
    expect(describeFailure(error)).toMatchObject({
      exitCode: 1,
      code: 'output',
      message: error.message,
      hint: 'make room',
    })
  })
})

describe('arguments of a prompt', () => {
  const listed = [{ name: 'city', required: true }, { name: 'count' }]

  it('are texts, whatever they look like', () => {
    expect(promptArguments(['city=Oslo', 'count=5'], listed)).toEqual({ city: 'Oslo', count: '5' })
    expect(promptArguments([], [])).toBeUndefined()
  })

  it.each([
    [[], /missing argument: city/],
    [['city=a', 'town=b'], /this prompt has no argument “town”/],
  ])('%j are refused', (words, message) => {
    expect(() => promptArguments(words, listed)).toThrow(message)
  })
})
