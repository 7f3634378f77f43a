import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createServer, type Server, type ServerOptions } from '../../src/server.ts'

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

  it('a server without a name or version, and state keys that are none', () => {
    expect(() => createServer({ name: '', version: '1' })).toThrow(/name and a version/)
    expect(() => createServer({ name: 'a', version: '' })).toThrow(/name and a version/)
    expect(() => make({ stateKey: new Uint8Array(5) })).toThrow(/32 random bytes/)
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
