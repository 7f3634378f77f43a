import { describe, expect, it, vi } from 'vitest'
import { mirrorArguments, readToolHeaders } from '../../src/protocol/tool-headers.ts'
import { connect } from '../../src/http/connect.ts'
import type { ToolInputSchema } from '../../src/protocol/tools.ts'
import { createHandshakeServer, createStatelessServer, result, rpcError } from '../http/scripted-server.ts'

const schema = (properties: Record<string, unknown>, more: object = {}): ToolInputSchema => ({
  type: 'object',
  properties,
  ...more,
})
const region = { type: 'string', 'x-mcp-header': 'Region' }

describe('the annotations of a tool', () => {
  it('are found at any depth of properties', () => {
    const read = readToolHeaders(
      schema({
        region,
        where: { type: 'object', properties: { city: { type: ['string', 'null'], 'x-mcp-header': 'City' } } },
      }),
    )
    expect(read).toEqual({
      ok: true,
      parameters: [
        { header: 'mcp-param-region', path: ['region'] },
        { header: 'mcp-param-city', path: ['where', 'city'] },
      ],
    })
  })

  it('an argument may itself be called x-mcp-header', () => {
    expect(readToolHeaders(schema({ 'x-mcp-header': { type: 'string' } }))).toEqual({ ok: true, parameters: [] })
  })

  it.each<[string, ToolInputSchema]>([
    ['an empty name', schema({ a: { type: 'string', 'x-mcp-header': '' } })],
    ['a name with a space', schema({ a: { type: 'string', 'x-mcp-header': 'a b' } })],
    ['a name with a line end', schema({ a: { type: 'string', 'x-mcp-header': 'a\r\nb' } })],
    ['a name that is no text', schema({ a: { type: 'string', 'x-mcp-header': 1 } })],
    ['a number', schema({ a: { type: 'number', 'x-mcp-header': 'A' } })],
    ['an object', schema({ a: { type: 'object', 'x-mcp-header': 'A' } })],
    ['no type', schema({ a: { 'x-mcp-header': 'A' } })],
    ['the root', schema({}, { 'x-mcp-header': 'A' })],
    ['the items of a list', schema({ a: { type: 'array', items: region } })],
    ['one of several', schema({}, { oneOf: [{ properties: { a: region } }] })],
    ['a definition', schema({}, { $defs: { a: region } })],
    ['names that differ in case only', schema({ a: region, b: { type: 'string', 'x-mcp-header': 'REGION' } })],
  ])('are refused on %s', (_what, given) => {
    expect(readToolHeaders(given)).toMatchObject({ ok: false, problem: expect.any(String) })
  })

  it('become headers of texts, whole numbers and truth values, and of nothing else', () => {
    const names = ['text', 'empty', 'unicode', 'whole', 'unsafe', 'fraction', 'truth', 'none', 'object', 'absent']
    const parameters = names.map(name => ({ header: `mcp-param-${name}`, path: [name] }))
    const args = {
      text: 'us-west1',
      empty: '',
      unicode: 'Zürich',
      whole: 7,
      unsafe: 2 ** 60,
      fraction: 1.5,
      truth: false,
      none: null,
      object: {},
    }
    expect(mirrorArguments(parameters, args)).toEqual({
      'mcp-param-text': 'us-west1',
      'mcp-param-empty': '',
      'mcp-param-unicode': '=?base64?WsO8cmljaA==?=',
      'mcp-param-whole': '7',
      'mcp-param-truth': 'false',
    })
  })
})

describe('a client over HTTP', () => {
  const tools = [
    { name: 'good', inputSchema: schema({ region }) },
    { name: 'bad', inputSchema: schema({ a: { type: 'string', 'x-mcp-header': '' } }) },
  ]
  const list = { resultType: 'complete', ttlMs: 0, cacheScope: 'private', tools }
  const done = { resultType: 'complete', content: [] }

  it('leaves out tools whose definitions cannot be kept, and says so', async () => {
    const onError = vi.fn()
    const server = createStatelessServer({ 'tools/list': list })
    const client = await connect('https://mcp.example/mcp', { fetch: server.fetch, onError })
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['good'])
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ message: expect.stringContaining('The tool bad') }))
  })

  it('repeats arguments in headers once it knows the tool', async () => {
    const server = createStatelessServer({ 'tools/list': list, 'tools/call': done })
    const client = await connect('https://mcp.example/mcp', server)
    await client.listTools()
    await client.callTool('good', { region: 'eu' })
    expect(server.requests.at(-1)?.headers.get('mcp-param-region')).toBe('eu')
  })

  it('a server that misses a header makes it list once and call again, once', async () => {
    const server = createStatelessServer({
      'tools/list': list,
      'tools/call': request =>
        request.headers.has('mcp-param-region') && request.message.params.arguments.region === 'eu'
          ? result(request, done)
          : rpcError(request, 400, -32020, 'Header mismatch'),
    })
    const client = await connect('https://mcp.example/mcp', server)
    await client.callTool('good', { region: 'eu' })
    expect(server.methods().slice(1)).toEqual(['tools/call', 'tools/list', 'tools/call'])
    await expect(client.callTool('good', { region: 'us' })).rejects.toMatchObject({ code: -32020 })
    expect(server.methods().filter(method => method === 'tools/list')).toHaveLength(2)
  })

  it('does none of this with a revision that knows no such headers', async () => {
    const server = createHandshakeServer({ 'tools/list': { tools }, 'tools/call': { content: [] } })
    const client = await connect('https://mcp.example/mcp', server)
    expect((await client.listTools()).tools).toHaveLength(2)
    await client.callTool('good', { region: 'eu' })
    expect(server.requests.at(-1)?.headers.has('mcp-param-region')).toBe(false)
  })
})
