import { describe, expect, it, vi } from 'vitest'
import { createJsonSchemaValidator } from '../../src/schema/json-schema-validator.ts'
import type { ToolOutputSchema } from '../../src/protocol/tools.ts'
import { connect } from '../../src/http/connect.ts'
import { createStatelessServer } from '../http/scripted-server.ts'

const SCHEMA = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }

describe('an output schema', () => {
  it('judges values and says where they do not fit', async () => {
    const validate = await createJsonSchemaValidator(SCHEMA)
    expect(validate?.({ n: 1 })).toBeUndefined()
    expect(validate?.({ n: 'x' })).toMatch(/#\/n.*integer/)
    expect(validate?.({})).toMatch(/n/)
  })

  it('R-SCHEMA-1 is 2020-12 unless it says draft-07', async () => {
    // Next to a reference, draft-07 reads nothing.
    const beside = { $defs: { any: {} }, $ref: '#/$defs/any', type: 'string' }
    expect((await createJsonSchemaValidator(beside))?.(1)).toBeDefined()
    const older = { ...beside, $schema: 'http://json-schema.org/draft-07/schema#' }
    expect((await createJsonSchemaValidator(older))?.(1)).toBeUndefined()
  })

  it('may refer to itself', async () => {
    const tree = {
      $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } } } },
      $ref: '#/$defs/node',
    }
    const validate = await createJsonSchemaValidator(tree)
    expect(validate?.({ next: { next: {} } })).toBeUndefined()
    expect(validate?.({ next: { next: 1 } })).toBeDefined()
  })

  const deep = (levels: number): object => (levels === 0 ? {} : { properties: { a: deep(levels - 1) } })
  it.each([
    ['refers to the network', { properties: { a: { $ref: 'https://canary.example/schema.json' } } }],
    ['refers to a file', { properties: { a: { $ref: 'other.json#/a' } } }],
    ['is of an unknown dialect', { $schema: 'https://example.com/dialect', type: 'string' }],
    ['is too deep', deep(100)],
    ['is too long', { enum: Array.from({ length: 40_000 }, (_, index) => `value ${index}`) }],
    ['refers to nothing', { $ref: '#/$defs/missing' }],
  ] as [string, ToolOutputSchema][])(
    'R-SCHEMA-1 is not applied when it %s, and nothing is fetched',
    async (_what, schema) => {
      const fetch = vi.spyOn(globalThis, 'fetch')
      const validate = await createJsonSchemaValidator(schema)
      expect(validate?.({ a: 1 })).toBeUndefined()
      expect(fetch).not.toHaveBeenCalled()
      fetch.mockRestore()
    },
  )
})

describe('a client', () => {
  const tool = { name: 'count', inputSchema: { type: 'object' }, outputSchema: SCHEMA }
  const create = (answer: object) =>
    createStatelessServer({
      'tools/list': { resultType: 'complete', ttlMs: 0, cacheScope: 'private', tools: [tool] },
      'tools/call': { resultType: 'complete', content: [], ...answer },
    })

  it('reports a structured result that does not fit, and returns it', async () => {
    const onError = vi.fn()
    const client = await connect('https://mcp.example/mcp', { ...create({ structuredContent: { n: 'x' } }), onError })
    await client.callTool('count')
    expect(onError).not.toHaveBeenCalled()
    await client.listTools()
    expect((await client.callTool('count')).structuredContent).toEqual({ n: 'x' })
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'invalid_response' }))
  })

  it('refuses it on demand; the tool has run', async () => {
    const server = create({})
    const client = await connect('https://mcp.example/mcp', { ...server, strictOutput: true })
    await client.listTools()
    await expect(client.callTool('count')).rejects.toMatchObject({
      code: 'invalid_response',
      detail: { mayHaveRun: true },
    })
  })

  it('has nothing to say about a tool that failed', async () => {
    const client = await connect('https://mcp.example/mcp', { ...create({ isError: true }), strictOutput: true })
    await client.listTools()
    expect(await client.callTool('count')).toMatchObject({ isError: true })
  })
})
