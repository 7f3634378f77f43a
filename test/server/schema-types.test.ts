import { describe, expectTypeOf, it } from 'vitest'
import * as z from 'zod'
import * as mini from 'zod/mini'
import { elicit, type FormAsk } from '../../src/server/asks.ts'
import type { ToolInputSchema } from '../../src/protocol/tools.ts'
import type { InferOutput, SchemaInput } from '../../src/server/schema.ts'

const accept = <Schema extends SchemaInput>(schema: Schema): InferOutput<Schema> => schema as never

describe('the types of schemas', () => {
  it('a Standard Schema has its output, transforms and defaults included', () => {
    const schema = z.object({
      city: z.string(),
      days: z.number().default(3),
      unit: z.enum(['c', 'f']).optional(),
      year: z.string().transform(Number),
    })
    expectTypeOf(accept(schema)).toEqualTypeOf<{
      city: string
      days: number
      unit?: 'c' | 'f' | undefined
      year: number
    }>()
    expectTypeOf(schema).toExtend<SchemaInput<{ city: string }>>()
    expectTypeOf(schema).not.toExtend<SchemaInput<{ city: number }>>()
  })

  it('raw JSON Schema has members of any kind', () => {
    const schema = { type: 'object', properties: { city: { type: 'string' } } } as const
    expectTypeOf(accept(schema)).toEqualTypeOf<Readonly<Record<string, unknown>>>()
    expectTypeOf<ToolInputSchema>().toExtend<SchemaInput>()
    expectTypeOf(accept({ type: 'object' })).toEqualTypeOf<Readonly<Record<string, unknown>>>()
  })

  it('a Standard Schema without JSON Schema is refused', () => {
    const schema = mini.object({ city: mini.string() })
    expectTypeOf(schema).not.toExtend<SchemaInput>()
  })

  it('the answer to a form is what its schema lets through', () => {
    expectTypeOf(elicit({ message: '', schema: z.object({ name: z.string() }) })).toEqualTypeOf<
      FormAsk<{ name: string }>
    >()
  })
})
