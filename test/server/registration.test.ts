import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createApp, createServer, elicit, type Server, type ServerOptions, skills, tasks } from '../../src/server.ts'

const make = (options: Partial<ServerOptions> = {}): Server =>
  createServer({ name: 'server', version: '1', ...options })

describe('an author is told at once of', () => {
  it.each(['', 'a b', 'a/b', 'ä', 'x'.repeat(129), 'a,b'])('the tool name %j', name => {
    expect(() => make().tool(name, {}, () => 'x')).toThrow(/1 to 128 of A-Z a-z 0-9 _ \. -/)
  })

  it('names that are taken, until they are free again', () => {
    const server = make()
    const first = server.tool('a', {}, () => 'x')
    server.prompt('a', {}, () => 'x')
    server.resource('notes://1', {}, () => 'x')
    server.resourceTemplate('notes://{id}', {}, () => 'x')
    server.method('com.example/a', () => ({}))
    expect(() => server.tool('a', {}, () => 'x')).toThrow('There is already a tool named "a"')
    expect(() => server.prompt('a', {}, () => 'x')).toThrow(/already a prompt/)
    expect(() => server.resource('notes://1', {}, () => 'x')).toThrow(/already a resource/)
    expect(() => server.resourceTemplate('notes://{id}', {}, () => 'x')).toThrow(/already a resource template/)
    expect(() => server.method('com.example/a', () => ({}))).toThrow(/already a method/)
    first.remove()
    server.tool('a', {}, () => 'x')
  })

  it.each([
    [z.string(), /object at its root/],
    [{ type: 'array' }, /object at its root/],
    [{}, /object at its root/],
    [z.object({ when: z.date() }), /cannot be said as JSON Schema/],
    [{ type: 'object', properties: { a: { type: 'number', 'x-mcp-header': 'A' } } }, /cannot be used/],
    [{ type: 'object', properties: { a: { type: 'string', 'x-mcp-header': 'a b' } } }, /cannot be used/],
    [{ type: 'object', properties: { a: { $ref: 'https://example.com/schema' } } }, /the tool a/],
    [{ path: z.string() }, /the input of the tool a is a record of schemas: .*z\.object/],
    ['string', /neither a Standard Schema nor JSON Schema/],
  ])('input that no client could use (%#)', (input, message) => {
    expect(() => make().tool('a', { input: input as never }, () => 'x')).toThrow(message)
  })

  it.each(['notes', '/notes', '', '1a:x'])('the resource URI %j', uri => {
    expect(() => make().resource(uri, {}, () => 'x')).toThrow(/scheme/)
  })

  it('templates that are malformed, or complete what they have not', () => {
    expect(() => make().resourceTemplate('notes://{id', {}, () => 'x')).toThrow()
    expect(() => make().resourceTemplate('notes://{id}', { complete: { name: () => [] } }, () => 'x')).toThrow(
      /no variable "name"/,
    )
  })

  it('a prompt without a name, and methods that are not theirs to answer', () => {
    expect(() => make().prompt('', {}, () => 'x')).toThrow(/name/)
    for (const method of ['tools/call', 'initialize', 'subscriptions/listen'])
      expect(() => make().method(method, () => ({}))).toThrow(/method of the protocol/)
    for (const method of ['', 'rpc.discover']) expect(() => make().method(method, () => ({}))).toThrow(/rpc\./)
  })

  it.each(['files:read', [5], {}, null])('scopes such as %j', scopes => {
    const options = { scopes: scopes as never }
    expect(() => make().tool('a', options, () => 'x')).toThrow(/scopes of the tool a should be a list/)
    expect(() => make().prompt('a', options, () => 'x')).toThrow(/scopes of the prompt a/)
    expect(() => make().resource('notes://1', options, () => 'x')).toThrow(/scopes of the resource/)
    expect(() => make().resourceTemplate('notes://{id}', options, () => 'x')).toThrow(/scopes of the template/)
  })

  it.each([
    { ttlMs: -1 },
    { ttlMs: 0.5 },
    { ttlMs: '5' },
    { ttlMs: Number.POSITIVE_INFINITY },
    { cacheScope: 'shared' },
    { ttl: 5 },
    5,
  ])('cache hints that clients could not read, such as %j', given => {
    const options = { cache: given as never }
    expect(() => make(options)).toThrow(/cache.* of createServer/)
    expect(() => make().resource('notes://1', options, () => 'x')).toThrow(/cache.* of the resource/)
    expect(() => make().resourceTemplate('notes://{id}', options, () => 'x')).toThrow(/cache.* of the template/)
  })

  it('options that do not exist, and those that there are', () => {
    const server = make()
    const odd = { scope: ['files:write'] } as never
    const handler = (): string => 'x'
    expect(() => server.tool('a', odd, handler)).toThrow(/no option "scope" of the tool a; there are .*scopes/)
    expect(() => server.prompt('a', odd, handler)).toThrow(/"scope" of the prompt a/)
    expect(() => server.resource('notes://1', odd, handler)).toThrow(/"scope" of the resource notes:/)
    expect(() => server.resourceTemplate('notes://{id}', odd, handler)).toThrow(/"scope" of the template/)
    expect(() => make({ onErorr: () => undefined } as never)).toThrow(/no option "onErorr" of createServer/)
    expect(() => tasks({ ttl: 5 } as never)).toThrow(/no option "ttl" of tasks; there are .*ttlMs/)
    expect(() => skills({} as never, { pages: 5 } as never)).toThrow(/no option "pages" of skills/)
    expect(() => createApp(server, { allowedHost: [] } as never)).toThrow(/"allowedHost" of createApp/)
    expect(() => server.prompt('a', { arguments: { day: { requird: true } as never } }, handler)).toThrow(
      /"requird" of the argument day of the prompt a/,
    )
  })

  it('handlers and questions that are no functions', () => {
    const server = make()
    expect(() => server.tool('a', {}, undefined as never)).toThrow(/handler of the tool a.* received undefined/)
    expect(() => server.tool('a', (() => 'x') as never, () => 'x')).toThrow(/options of the tool a should be/)
    expect(() => server.prompt('a', {}, {} as never)).toThrow(/handler of the prompt a/)
    expect(() => server.resource('notes://1', {}, 'text' as never)).toThrow(/handler of the resource/)
    const asks = { sure: elicit({ message: 'Sure?', schema: { type: 'object' } }) } as never
    expect(() => server.tool('a', { asks }, () => 'x')).toThrow(/asks of the tool a should be a function/)
    expect(() => server.tool('a', { task: true as never }, () => 'x')).toThrow(
      /task of the tool a should be 'required'/,
    )
  })

  it.each([[[{ name: 'day' }]], [z.object({ day: z.string() })]])(
    'prompt arguments as other SDKs take them (%#)',
    given => {
      expect(() => make().prompt('a', { arguments: given as never }, () => 'x')).toThrow(/a record by name/)
    },
  )

  it('a template that is registered as a resource', () => {
    expect(() => make().resource('notes:///{id}', {}, () => 'x')).toThrow(/resourceTemplate/)
  })

  it('paths, hosts and origins that no request could have', () => {
    for (const path of ['mcp', '', '/mcp?a=b']) expect(() => createApp(make(), { path })).toThrow(/begin with a slash/)
    for (const host of ['https://api.example.com', 'api.example.com/mcp', '*'])
      expect(() => createApp(make(), { allowedHosts: [host] })).toThrow(/allowedHosts should be/)
    for (const origin of ['app.example.com', 'https://app.example.com/', '*'])
      expect(() => createApp(make(), { allowedOrigins: [origin] })).toThrow(/allowedOrigins should be/)
    createApp(make(), {
      allowedHosts: ['api.example.com:8443', '[::1]'],
      allowedOrigins: ['moz-extension://a-b', 'null'],
    })
  })

  it('a server without a name or version, and state keys that are none', () => {
    expect(() => createServer({ name: '', version: '1' })).toThrow(/name and a version/)
    expect(() => createServer({ name: 'a', version: '' })).toThrow(/name and a version/)
    for (const stateKey of [new Uint8Array(5), 'secret' as never, [new Uint8Array(5)]])
      expect(() => make({ stateKey })).toThrow(/32 random bytes/)
  })

  it('extensions, middleware and pages that are none', () => {
    for (const extensions of [tasks(), [tasks]])
      expect(() => make({ extensions: extensions as never })).toThrow(/a list of extensions, such as \[tasks\(\)/)
    for (const middleware of [() => undefined, [{}]])
      expect(() => make({ middleware: middleware as never })).toThrow(/middleware/)
    expect(() => make({ pageSize: 0 })).toThrow(/pageSize is 0/)
  })
})

it('what could not be registered is not offered', () => {
  const server = make()
  expect(() => server.tool('a b', {}, () => 'x')).toThrow()
  expect(() => server.resource('notes', {}, () => 'x')).toThrow()
  expect(() => server.prompt('', { arguments: { a: { complete: () => [] } } }, () => 'x')).toThrow()
  expect(server.internals.capabilities()).toEqual({ logging: {} })
})

it('a server offers what was registered, and what it is told to', () => {
  const server = make({ capabilities: { experimental: { 'com.example/x': {} } } })
  server.tool('a', {}, () => 'x')
  server.prompt('a', { arguments: { plain: {} } }, () => 'x')
  server.resourceTemplate('notes://{id}', {}, () => 'x')
  expect(server.internals.capabilities()).toEqual({
    logging: {},
    tools: { listChanged: true },
    prompts: { listChanged: true },
    resources: { subscribe: true, listChanged: true },
    experimental: { 'com.example/x': {} },
  })
  server.prompt('b', { arguments: { a: { complete: () => [] } } }, () => 'x')
  expect(server.internals.capabilities()).toMatchObject({ completions: {} })
})
