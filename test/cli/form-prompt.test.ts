import type { ElicitRequestFormParams } from 'latchkey/client'
import { describe, expect, it } from 'vitest'
import { answerSynopsis, isAnswered, readAnswers } from '../../cli/src/interaction/answers.ts'
import { formRules } from '../../cli/src/interaction/form-rules.ts'
import { askForm } from '../../cli/src/interaction/form-prompt.ts'
import type { PromptLines } from '../../cli/src/interaction/prompt-lines.ts'
import { askUrl, judgeUrl } from '../../cli/src/interaction/url-prompt.ts'
import { styleFor } from '../../cli/src/style.ts'

const style = styleFor({ write: () => undefined }, {})
const rules = await formRules()

/** A person who types `typed`, then closes the terminal. */
function person(...typed: readonly string[]): { readonly lines: PromptLines; readonly seen: () => string } {
  let seen = ''
  const left = [...typed]
  const lines: PromptLines = {
    say: (...text) => (seen += text.map(line => `${line}\n`).join('')),
    ask: async prompt => {
      seen += prompt
      const line = left.shift()
      seen += `${line ?? '^D'}\n`
      return line
    },
    close: () => undefined,
  }
  return { lines, seen: () => seen }
}

type Properties = ElicitRequestFormParams['requestedSchema']['properties']
const formOf = (properties: Properties, required: readonly string[] = []): ElicitRequestFormParams => ({
  message: 'Please',
  requestedSchema: { type: 'object', properties, required },
})
async function fill(form: ElicitRequestFormParams, typed: readonly string[], given = {}) {
  const { lines, seen } = person(...typed)
  const answer = await askForm(form, { lines, style, server: 'h.example', rules, given })
  return { answer, seen: seen() }
}
/** One field, answered with the first line that is taken. */
async function one(field: Properties[string], ...typed: readonly string[]) {
  const { answer, seen } = await fill(formOf({ it: field }, ['it']), [...typed, 'y'])
  return { value: answer.content?.['it'], refusals: seen.match(/this should be .*|this is needed/g) ?? [] }
}

describe('each kind of field', () => {
  it.each([
    ['text', { type: 'string' }, ['  as typed '], '  as typed ', 0],
    ['text that is a word of the form', { type: 'string' }, ['cancel'], 'cancel', 0],
    ['text of a length', { type: 'string', minLength: 2, maxLength: 3 }, ['a', 'abcd', '🦦🦦'], '🦦🦦', 2],
    ['an e-mail address', { type: 'string', format: 'email' }, ['x', ' a@b.example '], 'a@b.example', 1],
    ['a URI', { type: 'string', format: 'uri' }, ['x', 'https://h.example'], 'https://h.example', 1],
    ['a date', { type: 'string', format: 'date' }, ['2026-02-30', '1.2.2026', '2026-02-03'], '2026-02-03', 2],
    [
      'a time',
      { type: 'string', format: 'date-time' },
      ['2026-01-31', '2026-01-31T10:00:00Z'],
      '2026-01-31T10:00:00Z',
      1,
    ],
    ['a number', { type: 'number', minimum: 0 }, ['x', '-1', '0x10', '1e400', '.5'], 0.5, 4],
    ['a whole number', { type: 'integer', maximum: 9 }, ['1.5', '10', '+7'], 7, 2],
    ['yes or no', { type: 'boolean' }, ['maybe', 'YES'], true, 1],
    ['a choice by number', { type: 'string', enum: ['a', 'b'] }, ['3', '0', '2'], 'b', 2],
    ['a choice by value', { type: 'string', enum: ['Aa', 'b'] }, ['aa'], 'Aa', 0],
    ['a choice that differs in case only', { type: 'string', enum: ['x', 'X'] }, ['X'], 'X', 0],
    ['choices that are numbers', { type: 'string', enum: ['2', '1'] }, ['1'], '1', 0],
    ['a choice by title', { type: 'string', oneOf: [{ const: 'a', title: 'Otter' }] }, ['otter'], 'a', 0],
    ['a choice by legacy title', { type: 'string', enum: ['a', 'b'], enumNames: ['Cat', 'Dog'] }, ['dog'], 'b', 0],
    ['several', { type: 'array', items: { type: 'string', enum: ['a', 'b', 'c'] } }, ['x', 'a, 3,a'], ['a', 'c'], 1],
    [
      'several by title',
      {
        type: 'array',
        maxItems: 1,
        items: {
          anyOf: [
            { const: 'a', title: 'A, B' },
            { const: 'c', title: 'C' },
          ],
        },
      },
      ['1,2', 'A, B'],
      ['a'],
      1,
    ],
    ['none of several', { type: 'array', items: { type: 'string', enum: ['a'] }, default: ['a'] }, ['none'], [], 0],
  ] as const)('%s', async (_name, field, typed, value, refusals) => {
    const answer = await one(field, ...typed)
    expect(answer.value).toEqual(value)
    expect(answer.refusals).toHaveLength(refusals)
  })
})

describe('a form', () => {
  it('Enter takes the default, leaves out what is optional, and is not enough for what is needed', async () => {
    const form = formOf(
      {
        a: { type: 'number', default: 3 },
        b: { type: 'string' },
        c: { type: 'string' },
        d: { type: 'boolean', default: false },
      },
      ['c'],
    )
    const { answer, seen } = await fill(form, ['', '', '', 'x', '', ''])
    expect(answer).toEqual({ action: 'accept', content: { a: 3, c: 'x', d: false } })
    expect(seen).toContain('a [3] › ')
    expect(seen).toContain('d [no] › ')
    expect(seen).toContain('this is needed')
  })

  it('a default that does not fit the form is not offered', async () => {
    const { seen } = await fill(formOf({ a: { type: 'integer', maximum: 1, default: 5 } }), ['', 'n'])
    expect(seen).toContain('a › ')
  })

  it('nothing is sent before the person has looked at it: it can be changed, declined or cancelled', async () => {
    const form = formOf({ a: { type: 'string' } }, ['a'])
    expect((await fill(form, ['x', 'c', 'y', ''])).answer).toEqual({ action: 'accept', content: { a: 'y' } })
    expect((await fill(form, ['x', 'c', '', 'y'])).answer).toEqual({ action: 'accept', content: { a: 'x' } })
    expect((await fill(form, ['x', 'what?', 'n'])).answer).toEqual({ action: 'decline' })
    expect((await fill(form, ['x'])).answer).toEqual({ action: 'cancel' })
  })

  it('Ctrl-D cancels and :decline declines at any field', async () => {
    const form = formOf({ a: { type: 'string' }, b: { type: 'boolean' } })
    expect((await fill(form, [])).answer).toEqual({ action: 'cancel' })
    expect((await fill(form, ['x', ':decline'])).answer).toEqual({ action: 'decline' })
  })

  it('without fields it needs an explicit yes', async () => {
    expect((await fill(formOf({}), ['', 'yes'])).answer).toEqual({ action: 'accept', content: {} })
    expect((await fill(formOf({}), ['', 'n'])).answer).toEqual({ action: 'decline' })
  })

  it('what the server says is quoted, and drives no terminal', async () => {
    const form = {
      ...formOf({ a: { type: 'string', title: 'T\u001b[2J', description: 'one\n? h.example asks: two' } }),
      message: 'First\n✓ Logged in\u001b[1A\u202e',
    }
    const { seen } = await fill(form, ['', 'y'])
    expect(seen).toContain('  │ First\n  │ ✓ Logged in[1A\n')
    expect(seen).toContain('  │ ? h.example asks: two')
    for (const unsafe of ['\u001b', '\u202e']) expect(seen).not.toContain(unsafe)
  })

  it('warns where a server asks for a secret in a form', async () => {
    expect((await fill(formOf({ apiKey: { type: 'string' } }), [])).seen).toContain('never type a password')
    expect((await fill(formOf({ name: { type: 'string' } }), [])).seen).not.toContain('never type a password')
  })
})

describe('--answer', () => {
  const form = formOf(
    { n: { type: 'integer' }, c: { type: 'string', enum: ['a', 'b'] }, d: { type: 'boolean', default: true } },
    ['n', 'd'],
  ).requestedSchema

  it('is read by the form, is good for one question, and is not asked again', async () => {
    const answers = readAnswers(['n=5', 'c=b', 'other=1'])
    expect(answers.take(form, rules)).toEqual({ n: 5, c: 'b' })
    expect(answers.take(form, rules)).toEqual({})
    const { answer, seen } = await fill({ message: '', requestedSchema: form }, ['', ''], { n: 5, c: 'b' })
    expect(answer).toEqual({ action: 'accept', content: { n: 5, c: 'b', d: true } })
    expect(seen).not.toContain('n ›')
  })

  it.each([
    [['n=x'], /--answer n should be a whole number/],
    [['c=z'], /--answer c should be one of/],
  ])('%j does not fit', (words, message) => {
    expect(() => readAnswers(words).take(form, rules)).toThrow(message)
  })

  it.each([[['x']], [['=x']], [['a=1', 'a=2']]])('%j is refused', words => {
    expect(() => readAnswers(words)).toThrow(expect.objectContaining({ name: 'UsageError' }))
  })

  it('answers a form only when all that is needed is there; defaults alone are nobody’s word', () => {
    expect(isAnswered(form, { n: 1 })).toBe(true)
    expect(isAnswered(form, { c: 'a' })).toBe(false)
    expect(isAnswered(formOf({ d: { type: 'boolean', default: true } }, ['d']).requestedSchema, {})).toBe(false)
    expect(answerSynopsis(form, rules)).toBe('--answer n=<whole number> [--answer c=<a|b>] [--answer d=<y or n>]')
  })
})

describe('a page that a server wants opened', () => {
  const completed = new Promise<void>(() => undefined)
  const ask = { mode: 'url' as const, url: 'https://h.example/pay?id=1', message: 'Pay' }

  it('is opened only after the whole address was shown and the person said yes', async () => {
    const opened: string[] = []
    const open = async (url: URL): Promise<void> => void opened.push(url.href)
    const run = async (...typed: string[]) => {
      const { lines, seen } = person(...typed)
      return { ...(await askUrl(ask, { lines, style, server: 's', open, completed })), seen: seen() }
    }
    expect(await run('n')).toMatchObject({
      action: 'decline',
      seen: expect.stringContaining('https://h.example/pay?id=1'),
    })
    expect(await run()).toMatchObject({ action: 'cancel' })
    expect(await run('', 'what', 'no')).toMatchObject({ action: 'decline' })
    expect(opened).toEqual([])
    expect(await run('y', '')).toMatchObject({ action: 'accept' })
    expect(opened).toEqual(['https://h.example/pay?id=1'])
    expect(await run('y')).toMatchObject({ action: 'cancel' })
  })

  it('is not waited for any longer when the server says that it is done', async () => {
    const { lines } = person('y')
    const waiting: PromptLines = {
      ...lines,
      ask: prompt => (prompt.includes('Enter') ? new Promise(() => undefined) : lines.ask(prompt)),
    }
    const open = async (): Promise<void> => undefined
    const context = { lines: waiting, style, server: 's', open, completed: Promise.resolve() }
    expect(await askUrl({ ...ask, elicitationId: '1' }, context)).toEqual({ action: 'accept' })
  })

  it('is left to the person where no browser can be started', async () => {
    const failing = person('y', '')
    const open = () => Promise.reject(new Error('no'))
    expect(await askUrl(ask, { lines: failing.lines, style, server: 's', open, completed })).toEqual({
      action: 'accept',
    })
    expect(failing.seen()).toContain('open the address yourself')
    const none = person('y', '')
    expect(await askUrl(ask, { lines: none.lines, style, server: 's', open: undefined, completed })).toEqual({
      action: 'accept',
    })
    expect(none.seen()).toContain('Will you open it?')
  })

  it.each([
    'javascript:alert(1)',
    'file:///etc/passwd',
    'https://good.example@evil.example/',
    'nonsense',
    `https://h.example/${'x'.repeat(5_000)}`,
  ])('%s is never opened, nor asked for', async url => {
    const { lines, seen } = person('y', 'y')
    const open = () => Promise.reject(new Error('opened'))
    expect(await askUrl({ ...ask, url }, { lines, style, server: 's', open, completed })).toEqual({ action: 'decline' })
    expect(seen()).not.toContain('in your browser?')
  })

  it('is warned of when it is not encrypted, or its host is spelled in another alphabet', () => {
    expect(judgeUrl('https://h.example/').warnings).toEqual([])
    expect(judgeUrl('http://localhost:1/').warnings).toEqual([])
    expect(judgeUrl('http://h.example/').warnings).toEqual([expect.stringContaining('not encrypted')])
    expect(judgeUrl('https://аpple.com/').warnings).toEqual([expect.stringContaining('other alphabets')])
  })
})
