import { expect } from 'vitest'
import { z } from 'zod'
import type { ClientOptions } from '../../src/client.ts'
import { elicit, elicitUrl, listRoots, sample } from '../../src/server.ts'
import type { FormAsk } from '../../src/server/asks.ts'
import { eachWay } from './matrix.ts'

const yes = z.object({ yes: z.boolean() })
const confirm = elicit({ message: 'Sure?', schema: yes })
const ASKING = ['2025-06-18', '2025-11-25', '2026-07-28'] as const

/** A client whose user answers by what is asked, and the questions in their order. */
function user(answers: Readonly<Record<string, unknown>>): { options: ClientOptions; asked: string[] } {
  const asked: string[] = []
  const options: ClientOptions = {
    elicitation: {
      form: ({ message }) => {
        asked.push(message)
        const answer = answers[message]
        return (Array.isArray(answer) ? answer.shift() : answer) as never
      },
    },
  }
  return { options, asked }
}
const accept = (content: object): object => ({ action: 'accept', content })

eachWay('a question is answered before the handler runs, and the handler runs once', async cell => {
  const { server, open, features } = cell
  let runs = 0
  server.tool(
    'delete',
    {
      input: z.object({ path: z.string() }),
      asks: ({ path }) => ({ confirm: elicit({ message: `Delete ${path}?`, schema: yes }) }),
    },
    ({ path }, { answers }) => {
      runs += 1
      return answers.confirm.yes ? `deleted ${path}` : 'kept'
    },
  )
  const { options, asked } = user({ 'Delete x?': accept({ yes: true }) })
  const client = await open(options)
  if (features.elicitationModes.length === 0) {
    await expect(client.callTool('delete', { path: 'x' })).rejects.toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { elicitation: { form: {} } } },
    })
    expect(runs).toBe(0)
    return
  }
  expect((await client.callTool('delete', { path: 'x' })).content).toEqual([{ type: 'text', text: 'deleted x' }])
  expect([runs, asked]).toEqual([1, ['Delete x?']])
})

eachWay(
  'several questions of one round are asked together',
  async ({ server, open, features, wire }) => {
    let runs = 0
    const ask = (message: string): FormAsk<{ yes: boolean }> => elicit({ message, schema: yes })
    server.tool(
      'three',
      { asks: () => ({ a: ask('A?'), b: ask('B?'), none: undefined, c: ask('C?') }) },
      (_args, { answers }) => {
        runs += 1
        return `${answers.a.yes} ${answers.b.yes} ${answers.c.yes} ${answers.none}`
      },
    )
    const { options, asked } = user({
      'A?': accept({ yes: true }),
      'B?': accept({ yes: false }),
      'C?': accept({ yes: true }),
    })
    const client = await open(options)
    expect((await client.callTool('three')).content).toEqual([{ type: 'text', text: 'true false true undefined' }])
    expect([runs, asked.sort()]).toEqual([1, ['A?', 'B?', 'C?']])
    if (features.family === 'stateless')
      expect(wire().filter(({ result }) => result?.resultType === 'input_required')).toHaveLength(1)
  },
  { revisions: ASKING },
)

eachWay(
  'questions may depend on earlier answers',
  async ({ server, open }) => {
    const seen: string[][] = []
    server.tool(
      'dependent',
      {
        asks: (_args, { answers }) => {
          seen.push(Object.keys(answers))
          const first = answers['first'] as { yes: boolean } | undefined
          return { first: confirm, second: first?.yes ? elicit({ message: 'Really?', schema: yes }) : undefined }
        },
      },
      (_args, { answers }) => `${answers.first.yes} ${answers.second?.yes}`,
    )
    const { options, asked } = user({
      'Sure?': [accept({ yes: true }), accept({ yes: false })],
      'Really?': accept({ yes: true }),
    })
    const client = await open(options)
    expect((await client.callTool('dependent')).content).toEqual([{ type: 'text', text: 'true true' }])
    expect((await client.callTool('dependent')).content).toEqual([{ type: 'text', text: 'false undefined' }])
    expect(asked).toEqual(['Sure?', 'Really?', 'Sure?'])
    expect(seen).toContainEqual(['first', 'second'])
  },
  { revisions: ASKING },
)

eachWay(
  'who declines or dismisses ends the call, unless the question may be declined',
  async ({ server, open, errors }) => {
    let runs = 0
    server.tool('must', { asks: () => ({ confirm }) }, () => `${(runs += 1)}`)
    server.tool(
      'may',
      { asks: () => ({ confirm: elicit({ message: 'Sure?', schema: yes, mayDecline: true }) }) },
      (_args, { answers }) => `${answers.confirm?.yes}`,
    )
    server.prompt('must', { asks: () => ({ confirm }) }, () => 'x')
    const { options } = user({
      'Sure?': [
        { action: 'decline' },
        { action: 'cancel' },
        { action: 'decline' },
        { action: 'cancel' },
        { action: 'cancel' },
      ],
    })
    const client = await open(options)
    for (let i = 0; i < 2; i++)
      expect(await client.callTool('must')).toMatchObject({
        isError: true,
        content: [{ text: 'The user declined: Sure?' }],
      })
    for (let i = 0; i < 2; i++)
      expect((await client.callTool('may')).content).toEqual([{ type: 'text', text: 'undefined' }])
    await expect(client.getPrompt('must')).rejects.toMatchObject({ code: -32602, message: 'The user declined: Sure?' })
    expect([runs, errors]).toEqual([0, []])
  },
  { revisions: ASKING },
)

eachWay(
  'an answer that does not fit is asked for again where the protocol can, and else an error',
  async cell => {
    const { server, open, features } = cell
    let runs = 0
    // More than the client can check by the form that it sees.
    const sure = z.object({ word: z.string().refine(word => word === 'swordfish', 'not the word') })
    server.tool(
      'ask',
      {
        asks: () => ({
          word: elicit({ message: 'Word?', schema: sure }),
          other: elicit({ message: 'Other?', schema: yes }),
        }),
      },
      () => `${(runs += 1)}`,
    )
    const { options, asked } = user({
      'Word?': [accept({ word: 'otter' }), accept({ word: 'swordfish' })],
      'Other?': accept({ yes: true }),
    })
    const client = await open(options)
    if (features.family === 'handshake') {
      await expect(client.callTool('ask')).rejects.toMatchObject({
        code: -32602,
        message: 'The answer to word cannot be used: word: not the word',
      })
      expect(runs).toBe(0)
      return
    }
    expect((await client.callTool('ask')).content).toEqual([{ type: 'text', text: '1' }])
    // What was answered well is not asked again.
    expect(asked.filter(message => message === 'Other?')).toHaveLength(1)
    expect(asked.filter(message => message === 'Word?')).toHaveLength(2)
  },
  { revisions: ASKING },
)

eachWay(
  'missing capabilities are told together, and nothing is asked then',
  async ({ server, open }) => {
    server.tool(
      'much',
      {
        asks: () => ({
          confirm,
          page: elicitUrl({ message: 'Pay', url: 'https://pay.example/' }),
          model: sample({ messages: [], maxTokens: 1 }),
          tools: sample({ messages: [], maxTokens: 1, tools: [] }),
          roots: listRoots(),
        }),
      },
      () => 'x',
    )
    const { options, asked } = user({ 'Sure?': accept({ yes: true }) })
    const client = await open(options)
    await expect(client.callTool('much')).rejects.toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { elicitation: { url: {} }, sampling: {}, roots: {} } },
    })
    expect(asked).toEqual([])
  },
  { revisions: ASKING },
)

eachWay('pages, models and roots are asked for where the revision has them', async ({ server, open, features }) => {
  const question = {
    messages: [{ role: 'user', content: { type: 'text', text: 'Capital of France?' } }],
    maxTokens: 5,
  } as const
  server.tool('model', { asks: () => ({ model: sample(question), roots: listRoots() }) }, (_args, { answers }) => ({
    model: answers.model.model,
    roots: answers.roots.map(({ uri }) => uri),
  }))
  server.tool(
    'page',
    {
      asks: () => ({
        page: elicitUrl({ message: 'Pay', url: `https://pay.example/${Math.random()}`, mayDecline: true }),
      }),
    },
    (_args, { answers }) => `${answers.page}`,
  )
  const pages: string[] = []
  const client = await open({
    sampling: () => ({ role: 'assistant', content: { type: 'text', text: 'Paris' }, model: 'small' }),
    roots: [{ uri: 'file:///home' }],
    elicitation: {
      url: ({ url }) => {
        pages.push(url)
        return { action: pages.length === 1 ? 'accept' : 'decline' }
      },
    },
  })
  expect((await client.callTool('model')).content).toEqual([
    { type: 'text', text: '{"model":"small","roots":["file:///home"]}' },
  ])
  if (!features.elicitationModes.includes('url')) {
    await expect(client.callTool('page')).rejects.toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { elicitation: { url: {} } } },
    })
    return
  }
  expect((await client.callTool('page')).content).toEqual([{ type: 'text', text: 'true' }])
  expect((await client.callTool('page')).content).toEqual([{ type: 'text', text: 'false' }])
  expect(pages[0]).toMatch(/^https:\/\/pay\.example\//)
})

eachWay(
  'prompts and resources ask as tools do',
  async ({ server, open }) => {
    server.prompt(
      'greet',
      {
        arguments: { who: { required: true } },
        asks: ({ who }) => ({ confirm: elicit({ message: `Greet ${who}?`, schema: yes }) }),
      },
      ({ who }, { answers }) => `${who}: ${answers.confirm.yes}`,
    )
    server.resource(
      'notes://1',
      { asks: uri => ({ confirm: elicit({ message: uri, schema: yes }) }) },
      (_uri, { answers }) => `${answers.confirm.yes}`,
    )
    server.resourceTemplate(
      'people://{name}',
      { asks: uri => ({ confirm: elicit({ message: uri, schema: yes }) }) },
      ({ name }, { answers, uri }) => `${name} ${uri} ${answers.confirm.yes}`,
    )
    const { options } = user({
      'Greet ada?': accept({ yes: true }),
      'notes://1': accept({ yes: false }),
      'people://ada': accept({ yes: true }),
    })
    const client = await open(options)
    expect((await client.getPrompt('greet', { who: 'ada' })).messages).toMatchObject([
      { content: { text: 'ada: true' } },
    ])
    expect((await client.readResource('notes://1')).contents).toMatchObject([{ text: 'false' }])
    expect((await client.readResource('people://ada')).contents).toMatchObject([{ text: 'ada people://ada true' }])
  },
  { revisions: ASKING },
)

eachWay(
  'what a Standard Schema makes of an answer reaches the handler',
  async ({ server, open }) => {
    const schema = z.object({
      name: z.string().refine(name => name !== 'root', 'not root'),
      age: z.coerce.number().default(7),
    })
    server.tool(
      'ask',
      { asks: () => ({ who: elicit({ message: 'Who?', schema }) }) },
      (_args, { answers }) => answers.who,
    )
    const { options } = user({ 'Who?': accept({ name: 'ada' }) })
    const client = await open(options)
    expect((await client.callTool('ask')).content).toEqual([{ type: 'text', text: '{"name":"ada","age":7}' }])
  },
  { revisions: ASKING },
)

eachWay(
  'forms that no client could show, and questions that are none, fail loudly instead of asking nothing',
  async ({ server, open, errors }) => {
    let runs = 0
    const run = (): string => `${(runs += 1)}`
    const asking = (schema: unknown): object => ({ a: elicit({ message: 'A?', schema: schema as typeof yes }) })
    server.tool('nested', { asks: () => asking(z.object({ deep: z.object({}) })) as never }, run)
    server.tool('string', { asks: () => asking(z.string()) as never }, run)
    server.tool('list', { asks: () => asking(z.object({ tags: z.array(z.string()) })) as never }, run)
    server.tool('promise', { asks: (async () => ({ confirm })) as never }, run)
    server.tool('other', { asks: () => ({ confirm: { message: 'Sure?' } }) as never }, run)
    server.tool(
      'many',
      { asks: () => Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`a${i}`, confirm])) },
      run,
    )
    const client = await open(user({}).options)
    for (const name of ['nested', 'string', 'list', 'promise', 'other'])
      expect(await client.callTool(name)).toMatchObject({
        isError: true,
        content: [{ text: 'The tool failed for a reason of its own' }],
      })
    await expect(client.callTool('many')).rejects.toMatchObject({
      code: -32603,
      message: expect.stringContaining('50'),
    })
    expect(runs).toBe(0)
    expect(errors.map(({ error }) => error.message)).toEqual([
      expect.stringMatching(/should be flat: deep/),
      expect.stringMatching(/an object at its root/),
      expect.stringMatching(/tags is a list, but of no choices/),
      expect.stringMatching(/at once/),
      expect.stringMatching(/at once/),
    ])
  },
  { revisions: ASKING, transports: ['memory'] },
)

eachWay(
  'no handler asks for ever',
  async ({ server, open }) => {
    server.tool(
      'endless',
      {
        asks: (_args, { answers }) => ({
          [`q${Object.keys(answers).length}`]: confirm,
          ...Object.fromEntries(Object.keys(answers).map(name => [name, confirm])),
        }),
      },
      () => 'x',
    )
    const { options, asked } = user({ 'Sure?': accept({ yes: true }) })
    const client = await open({ ...options, maxInputRounds: 100 })
    await expect(client.callTool('endless')).rejects.toMatchObject({
      code: -32603,
      message: expect.stringContaining('20 times'),
    })
    expect(asked).toHaveLength(20)
  },
  { revisions: ASKING, transports: ['memory'] },
)

eachWay(
  'when one question ends the call, the others are taken back',
  async ({ server, open }) => {
    server.tool(
      'two',
      {
        asks: () => ({ slow: elicit({ message: 'Slow?', schema: yes }), no: elicit({ message: 'No?', schema: yes }) }),
      },
      () => 'x',
    )
    let takenBack: Promise<unknown> | undefined
    const client = await open({
      elicitation: {
        form: async ({ message }, { signal }) => {
          if (message === 'No?') return { action: 'decline' }
          takenBack = new Promise(resolve => signal.addEventListener('abort', resolve))
          await takenBack
          return { action: 'cancel' }
        },
      },
    })
    expect(await client.callTool('two')).toMatchObject({ isError: true })
    await takenBack
    expect(takenBack).toBeDefined()
  },
  { revisions: ['2025-06-18', '2025-11-25'] },
)

eachWay(
  'while a handler runs it asks only where the family has that, and onError hears of it elsewhere',
  async ({ server, open, features, errors }) => {
    server.tool('live', {}, async (_args, ctx) => {
      const { yes: answer } = await ctx.elicit({ message: 'Sure?', schema: yes })
      const { model } = await ctx.sample({ messages: [], maxTokens: 1 })
      return `${answer} ${model} ${(await ctx.roots()).length}`
    })
    const client = await open({
      ...user({ 'Sure?': accept({ yes: true }) }).options,
      sampling: () => ({ role: 'assistant', content: { type: 'text', text: 'x' }, model: 'small' }),
      roots: [],
    })
    if (features.family === 'stateless')
      await expect(client.callTool('live')).rejects.toMatchObject({
        code: -32603,
        message: expect.stringContaining('asks'),
      })
    else expect((await client.callTool('live')).content).toEqual([{ type: 'text', text: 'true small 0' }])
    const told = features.family === 'stateless' ? [expect.stringMatching(/asked for form as it ran.*needInput/)] : []
    expect(errors.map(({ error }) => error.message)).toEqual(told)
  },
  { revisions: ASKING },
)

eachWay(
  'a client that fails at a question is told so under a code of its own request',
  async ({ server, open }) => {
    server.tool('model', { asks: () => ({ model: sample({ messages: [], maxTokens: 1 }) }) }, () => 'x')
    const client = await open({ capabilities: { sampling: {} } })
    await expect(client.callTool('model')).rejects.toMatchObject({
      code: -32603,
      message: expect.stringContaining('could not answer model'),
    })
  },
  { revisions: ['2025-03-26', '2025-06-18', '2025-11-25'] },
)
