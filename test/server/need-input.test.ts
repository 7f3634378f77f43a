import { expect } from 'vitest'
import { z } from 'zod'
import type { ClientOptions } from '../../src/client.ts'
import { elicit, elicitUrl, needInput } from '../../src/server.ts'
import type { FormAsk } from '../../src/server/asks.ts'
import { eachWay } from './matrix.ts'

const ASKING = ['2025-06-18', '2025-11-25', '2026-07-28'] as const
const word = z.object({ word: z.string() })
const ask = (message: string): FormAsk<{ word: string }> => elicit({ message, schema: word })

function user(answers: Readonly<Record<string, string | undefined>>): { options: ClientOptions; asked: string[] } {
  const asked: string[] = []
  const options: ClientOptions = {
    elicitation: {
      form: ({ message }) => {
        asked.push(message)
        const content = answers[message]
        return content === undefined ? { action: 'decline' } : { action: 'accept', content: { word: content } }
      },
      url: () => ({ action: 'accept' }),
    },
  }
  return { options, asked }
}

eachWay(
  'a handler that needs input runs once for every round, with its state and all answers',
  async cell => {
    const { server, open, errors } = cell
    const runs: { state: unknown; answers: unknown }[] = []
    server.tool(
      'steps',
      { input: z.object({ n: z.number() }), asks: () => ({ first: ask('First?') }) },
      ({ n }, ctx) => {
        runs.push({ state: ctx.state, answers: ctx.answers })
        const { step } = (ctx.state ?? { step: 0 }) as { step: number }
        return step < n
          ? needInput({ asks: { [`step${step}`]: ask(`Step ${step}?`) }, state: { step: step + 1 } })
          : ctx.answers
      },
    )
    const { options, asked } = user({ 'First?': 'one', 'Step 0?': 'two', 'Step 1?': 'three' })
    const client = await open(options)
    const { content } = await client.callTool('steps', { n: 2 })
    const all = { first: { word: 'one' }, step0: { word: 'two' }, step1: { word: 'three' } }
    expect(JSON.parse((content[0] as { text: string }).text)).toEqual(all)
    expect(asked).toEqual(['First?', 'Step 0?', 'Step 1?'])
    expect(runs).toEqual([
      { state: undefined, answers: { first: all.first } },
      { state: { step: 1 }, answers: { first: all.first, step0: all.step0 } },
      { state: { step: 2 }, answers: all },
    ])
    expect(errors).toEqual([])
  },
  { revisions: ASKING },
)

eachWay(
  'what was answered may be asked anew',
  async ({ server, open }) => {
    server.tool('anew', { asks: () => ({ word: ask('Word?') }) }, (_args, ctx) =>
      ctx.state === undefined ? needInput({ asks: { word: ask('Another?') }, state: 1 }) : ctx.answers.word.word,
    )
    const client = await open(user({ 'Word?': 'first', 'Another?': 'second' }).options)
    expect((await client.callTool('anew')).content).toEqual([{ type: 'text', text: 'second' }])
  },
  { revisions: ASKING },
)

eachWay(
  'needed input may be declined where the author says so, and else ends the call',
  async ({ server, open }) => {
    server.tool('may', {}, (_args, ctx) =>
      ctx.state === undefined
        ? needInput({ asks: { a: elicit({ message: 'No?', schema: word, mayDecline: true }) }, state: 1 })
        : JSON.stringify(ctx.answers),
    )
    server.prompt('must', {}, (_args, ctx) =>
      ctx.state === undefined ? needInput({ asks: { a: ask('No?') }, state: 1 }) : 'x',
    )
    const client = await open(user({}).options)
    expect((await client.callTool('may')).content).toEqual([{ type: 'text', text: '{}' }])
    await expect(client.getPrompt('must')).rejects.toMatchObject({ message: 'The user declined: No?' })
  },
  { revisions: ASKING },
)

eachWay('resources need input too, and a page may be what is needed', async ({ server, open, features }) => {
  server.resource('notes://1', {}, (_uri, ctx) =>
    ctx.state === undefined
      ? needInput({ asks: { page: elicitUrl({ message: 'Pay', url: 'https://pay.example/' }) }, state: 'paid' })
      : `${JSON.stringify(ctx.state)} ${JSON.stringify(ctx.answers)}`,
  )
  const client = await open(user({}).options)
  if (!features.elicitationModes.includes('url'))
    await expect(client.readResource('notes://1')).rejects.toMatchObject({ code: -32021 })
  else expect((await client.readResource('notes://1')).contents).toMatchObject([{ text: '"paid" {"page":true}' }])
})

eachWay(
  'needed answers are judged by the form as it was sent, on all revisions alike',
  async ({ server, open }) => {
    const schema = z.object({ word: z.string(), size: z.number().default(3) })
    server.tool('form', {}, (_args, ctx) =>
      ctx.state === undefined
        ? needInput({ asks: { a: elicit({ message: 'Word?', schema }) }, state: 1 })
        : ctx.answers,
    )
    const client = await open({ elicitation: { form: () => ({ action: 'accept', content: { word: 'x', size: 4 } }) } })
    expect((await client.callTool('form')).content).toEqual([{ type: 'text', text: '{"a":{"word":"x","size":4}}' }])
  },
  { revisions: ASKING },
)

eachWay(
  'a handler that needs input for ever is stopped',
  async ({ server, open }) => {
    let runs = 0
    server.tool('endless', {}, () => {
      runs += 1
      return needInput({ asks: { a: ask('More?') } })
    })
    const client = await open({ ...user({ 'More?': 'x' }).options, maxInputRounds: 100 })
    await expect(client.callTool('endless')).rejects.toMatchObject({
      code: -32603,
      message: expect.stringContaining('20 times'),
    })
    expect(runs).toBe(21)
  },
  { revisions: ASKING, transports: ['memory'] },
)

eachWay(
  'a state that JSON cannot carry is a failure of the server, in general words',
  async ({ server, open }) => {
    server.tool('bad', {}, () => needInput({ asks: { a: ask('More?') }, state: 1n }))
    const client = await open(user({ 'More?': 'x' }).options)
    await expect(client.callTool('bad')).rejects.toMatchObject({ code: -32603 })
  },
  { revisions: ['2026-07-28'], transports: ['memory'] },
)
