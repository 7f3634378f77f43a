import { describe, expectTypeOf, it } from 'vitest'
import type { PromptArgumentOptions } from '../../src/server.ts'
import { createServer } from '../../src/server.ts'

describe('the types of prompts', () => {
  const server = createServer({ name: 'prompts', version: '1.0.0' })

  it('arguments are text, and those that are not required may be missing, also beside completions', () => {
    server.prompt(
      'greet',
      {
        arguments: {
          name: { required: true, description: 'Whom' },
          language: { complete: (value, ctx) => [value, ctx.arguments['name'] ?? ''] },
          mood: { required: false },
        },
        asks: ({ name }) => void expectTypeOf(name).toEqualTypeOf<string>(),
      },
      args => {
        expectTypeOf(args).toEqualTypeOf<{
          readonly name: string
          readonly language: string | undefined
          readonly mood: string | undefined
        }>()
        return 'Hello'
      },
    )
  })

  it('a prompt without arguments has none', () => {
    server.prompt('simple', {}, args => {
      // oxlint-disable-next-line typescript/no-generated-empty-object-type -- nothing is exactly what is meant
      expectTypeOf(args).toEqualTypeOf<Readonly<Record<never, never>>>()
      return 'Hello'
    })
  })

  it('arguments that are known only later may be missing', () => {
    const later: Readonly<Record<string, PromptArgumentOptions>> = {}
    server.prompt('later', { arguments: later }, args => {
      expectTypeOf(args['any']).toEqualTypeOf<string | undefined>()
      return 'Hello'
    })
  })
})
