import { z } from 'zod'
import {
  audio,
  createServer,
  elicit,
  elicitUrl,
  embeddedResource,
  image,
  listRoots,
  needInput,
  resourceLink,
  sample,
  type Server,
  text,
  ToolError,
} from '../../src/server.ts'

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const NOTES: Readonly<Record<string, string>> = { otters: 'Otters hold hands.', rivers: 'Rivers are patient.' }
const name = z.object({ name: z.string() })
const question = (words: string) => ({
  messages: [{ role: 'user' as const, content: { type: 'text' as const, text: words } }],
  maxTokens: 20,
})
const wordsOf = (content: unknown): string => (content as { text?: string }).text ?? ''

/** A server that offers something of every kind, for clients that are not ours. */
export function createRichServer(onError: (error: unknown) => void = () => undefined): Server {
  const server = createServer({ name: 'rich', version: '3.2.1', title: 'Rich', instructions: 'Be kind.', onError })
  addTools(server)
  addQuestions(server)
  addChanges(server)
  addResources(server)
  addPrompts(server)
  return server
}

function addTools(server: Server): void {
  const numbers = z.object({ a: z.number(), b: z.number() })
  server.tool(
    'add',
    { title: 'Add', description: 'Adds two numbers', input: numbers, output: z.object({ sum: z.number() }) },
    ({ a, b }) => ({ sum: a + b }),
  )
  server.tool('everything', { description: 'Every kind of content' }, () => [
    text('words', { annotations: { audience: ['user'], priority: 0.5 } }),
    image(PIXEL, 'image/png'),
    audio(new Uint8Array([82, 73, 70, 70]), 'audio/wav'),
    embeddedResource({ uri: 'notes:///otters', mimeType: 'text/plain', text: NOTES['otters'] ?? '' }),
    resourceLink({ uri: 'notes:///rivers', name: 'rivers', mimeType: 'text/plain' }),
  ])
  const pace: { goOn?: () => void } = {}
  server.tool('work', { description: 'Tells how far it is, and waits for go_on' }, async (_args, ctx) => {
    ctx.log('debug', 'nobody wants to know')
    for (const step of [1, 2, 3]) {
      const told = new Promise<void>(resolve => (pace.goOn = resolve))
      ctx.log('warning', { step }, 'work')
      await ctx.progress(step, 3, `step ${step}`)
      await told
    }
    return 'worked'
  })
  server.tool('go_on', { description: 'Lets work go on' }, () => {
    pace.goOn?.()
    return 'going on'
  })
  server.tool('fail', { description: 'Fails for a reason' }, () => {
    throw new ToolError('The disk is full')
  })
  server.tool('crash', { description: 'Fails for a reason that is nobody’s business' }, () => {
    throw new Error('password=hunter2')
  })

  const given = { up: 0 }
  server.tool('wait', { description: 'Waits until nobody waits for it' }, async (_args, ctx) => {
    await ctx.progress(1)
    await new Promise<void>(resolve => ctx.signal.addEventListener('abort', () => resolve(), { once: true }))
    given.up += 1
    return 'too late'
  })
  server.tool('given_up', { description: 'How many waits were given up' }, () => String(given.up))
}

function addQuestions(server: Server): void {
  server.tool(
    'plan',
    {
      description: 'Asks the user, the model and the client in one round',
      asks: () => ({
        who: elicit({ message: 'Who are you?', schema: name }),
        idea: sample(question('Where to?')),
        folders: listRoots(),
      }),
    },
    (_args, { answers: { who, idea, folders } }) =>
      `${who.name}, ${wordsOf(idea.content)}, ${folders.map(({ uri }) => uri).join(' ')}`,
  )
  server.tool('confirm', { description: 'Finds out midway that it must ask' }, (_args, { answers, state }) => {
    const { sure } = answers as { readonly sure?: { readonly sure: boolean } }
    if (sure) return `${JSON.stringify(state)} ${sure.sure}`
    const schema = z.object({ sure: z.boolean() })
    return needInput({ asks: { sure: elicit({ message: 'Sure?', schema }) }, state: { step: 1 } })
  })
  server.tool(
    'pay',
    {
      description: 'Sends the user to a page',
      asks: () => ({ paid: elicitUrl({ message: 'Pay', url: 'https://pay.example/1' }) }),
    },
    (_args, { answers: { paid } }) => `paid: ${paid}`,
  )
  server.tool('ask_live', { description: 'Asks while it runs' }, async (_args, ctx) => {
    await ctx.progress(1, 2)
    const [who, folders] = [await ctx.elicit({ message: 'Who are you?', schema: name }), await ctx.roots()]
    const idea = await ctx.sample(question('Where to?'))
    return `${who.name}, ${wordsOf(idea.content)}, ${folders.map(({ uri }) => uri).join(' ')}`
  })
}

function addChanges(server: Server): void {
  server.tool('grow', { description: 'Adds a tool' }, () => {
    server.tool('grown', { description: 'Was not there before' }, () => 'here')
    return 'grew'
  })
  server.tool('write', { description: 'Changes a note' }, () => {
    server.resourceUpdated('notes:///otters')
    return 'written'
  })
}

function addResources(server: Server): void {
  server.resource(
    'notes:///otters',
    { name: 'otters', title: 'Otters', mimeType: 'text/plain', size: 18 },
    () => NOTES['otters'],
  )
  server.resource('notes:///pixel', { name: 'pixel', mimeType: 'image/png' }, () =>
    Uint8Array.from(atob(PIXEL), character => character.charCodeAt(0)),
  )
  server.resourceTemplate(
    'notes:///by-name/{name}',
    {
      name: 'by-name',
      mimeType: 'text/plain',
      list: () => [{ uri: 'notes:///by-name/rivers', name: 'rivers' }],
      complete: { name: value => Object.keys(NOTES).filter(each => each.startsWith(value)) },
    },
    variables => NOTES[variables.name],
  )
}

function addPrompts(server: Server): void {
  const greetings: Readonly<Record<string, readonly string[]>> = { Ada: ['English', 'French'], Jürgen: ['German'] }
  server.prompt(
    'greet',
    {
      description: 'Greets somebody',
      arguments: {
        name: { description: 'Whom', required: true },
        language: {
          complete: (value, ctx) =>
            (greetings[ctx.arguments['name'] ?? ''] ?? ['English']).filter(each => each.startsWith(value)),
        },
      },
    },
    ({ name: who, language }) => `Greet ${who} in ${language ?? 'English'}.`,
  )
  server.prompt('look', { description: 'Shows a picture' }, () => ({
    description: 'A picture',
    messages: [
      { role: 'user', content: text('What is this?') },
      { role: 'user', content: image(PIXEL, 'image/png') },
      { role: 'assistant', content: text('A pixel.') },
    ],
  }))
}
