import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { createServer, elicit, elicitUrl, listRoots, sample } from '../../src/server.ts'
import type { CallToolResult } from '../../src/server.ts'
import type { CreateMessageResult } from '../../src/protocol/sampling.ts'
import type { Root } from '../../src/protocol/roots.ts'

const server = createServer({ name: 'typed', version: '1' })
const yes = z.object({ yes: z.boolean() })

describe('the compiler finds out', () => {
  it('the arguments of a tool, as they come out of its schema', () => {
    server.tool(
      'plain',
      { input: z.object({ path: z.string(), size: z.coerce.number().default(1), tag: z.string().optional() }) },
      args => {
        expectTypeOf(args).toEqualTypeOf<{ path: string; size: number; tag?: string | undefined }>()
      },
    )
    server.tool('raw', { input: { type: 'object' } }, args => {
      expectTypeOf(args).toEqualTypeOf<Readonly<Record<string, unknown>>>()
    })
    server.tool('none', {}, args => {
      expectTypeOf(args).toEqualTypeOf<Readonly<Record<string, unknown>>>()
    })
  })

  it('the variables of a template, and which of them may be missing', () => {
    server.resourceTemplate('notes:///{day}/{+path}{?lines:3,tags*}', {}, variables => {
      expectTypeOf(variables).toEqualTypeOf<{
        readonly day: string
        readonly path: string
        readonly lines: string | undefined
        readonly tags: readonly string[] | undefined
      }>()
      return variables.day
    })
    server.resourceTemplate('pairs:///{a,b}{/c*}', {}, ({ a, b, c }) => {
      expectTypeOf(a).toEqualTypeOf<string | undefined>()
      expectTypeOf(b).toEqualTypeOf<string | undefined>()
      expectTypeOf(c).toEqualTypeOf<readonly string[] | undefined>()
      // @ts-expect-error a may be missing
      return a.toUpperCase()
    })
    const known: string = ['lists:///', '{words*}'].join('')
    server.resourceTemplate(known, {}, variables => {
      expectTypeOf(variables).toEqualTypeOf<Readonly<Record<string, string | readonly string[]>>>()
      return undefined
    })
  })

  it('what a tool with an output schema may return', () => {
    server.tool('sum', { output: z.object({ sum: z.number() }) }, () => ({ sum: 1 }))
    server.tool('whole', { output: z.object({ sum: z.number() }) }, (): CallToolResult => ({ content: [] }))
    // @ts-expect-error the sum is a number
    server.tool('wrong', { output: z.object({ sum: z.number() }) }, () => ({ sum: 'x' }))
  })

  it('the answers to what a tool asks', () => {
    server.tool(
      'asking',
      {
        input: z.object({ path: z.string() }),
        asks: ({ path }) => ({
          confirm: elicit({ message: path, schema: yes }),
          maybe: elicit({ message: path, schema: yes, mayDecline: true }),
          page: elicitUrl({ message: path, url: path }),
          model: sample({ messages: [], maxTokens: 1 }),
          roots: listRoots(),
          sometimes: path === '' ? undefined : elicit({ message: path, schema: yes }),
        }),
      },
      ({ path }, { answers }) => {
        expectTypeOf(path).toEqualTypeOf<string>()
        expectTypeOf(answers.confirm.yes).toEqualTypeOf<boolean>()
        expectTypeOf(answers.maybe).toEqualTypeOf<{ yes: boolean } | undefined>()
        expectTypeOf(answers.page).toEqualTypeOf<boolean>()
        expectTypeOf(answers.model).toEqualTypeOf<CreateMessageResult>()
        expectTypeOf(answers.roots).toEqualTypeOf<readonly Root[]>()
        expectTypeOf(answers.sometimes).toEqualTypeOf<{ yes: boolean } | undefined>()
        // @ts-expect-error it was not asked
        void answers.other
      },
    )
  })

  it('the arguments of a prompt, by whether they are required', () => {
    server.prompt(
      'greet',
      {
        arguments: { who: { required: true, complete: value => [value] }, how: {} },
        asks: ({ who }) => ({ a: elicit({ message: who, schema: yes }) }),
      },
      ({ who, how }, { answers }) => {
        expectTypeOf(who).toEqualTypeOf<string>()
        expectTypeOf(how).toEqualTypeOf<string | undefined>()
        expectTypeOf(answers.a.yes).toEqualTypeOf<boolean>()
        return who
      },
    )
  })

  it('the answers to what resources ask', () => {
    server.resource(
      'notes://1',
      { asks: uri => ({ a: elicit({ message: uri, schema: yes }) }) },
      (uri, { answers }) => {
        expectTypeOf(uri).toEqualTypeOf<string>()
        expectTypeOf(answers.a.yes).toEqualTypeOf<boolean>()
      },
    )
    server.resourceTemplate(
      'notes://{id}',
      { asks: uri => ({ a: elicit({ message: uri, schema: yes }) }) },
      ({ id }, { answers, uri }) => {
        expectTypeOf(id).toEqualTypeOf<string>()
        expectTypeOf(uri).toEqualTypeOf<string>()
        expectTypeOf(answers.a.yes).toEqualTypeOf<boolean>()
      },
    )
  })

  it('what is asked while a handler runs', () => {
    server.tool('live', {}, async (_args, ctx) => {
      expectTypeOf(await ctx.elicit({ message: '', schema: yes })).toEqualTypeOf<{ yes: boolean }>()
      expectTypeOf(await ctx.roots()).toEqualTypeOf<readonly Root[]>()
    })
  })

  it('that scopes decide by arguments of their types', () => {
    server.tool('scoped', { input: z.object({ path: z.string() }), scopes: ({ path }) => [path] }, () => 'x')
    // @ts-expect-error questions are given at once, not as a promise
    server.tool('late', { asks: async () => ({ a: elicit({ message: '', schema: yes }) }) }, () => 'x')
  })
})
