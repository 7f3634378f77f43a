import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readServerNotification } from '../../src/protocol/notification-shapes.ts'
import { readResult, RESULT_SHAPES } from '../../src/protocol/result-shapes.ts'

const tool = { name: 'search', inputSchema: { type: 'object' } }

describe('readResult', () => {
  it('names the place, what was expected and what came', () => {
    expect(readResult('tools/list', { tools: [tool, tool, tool, { ...tool, name: 5 }] })).toEqual({
      ok: false,
      issue: {
        path: 'result.tools[3].name',
        expected: 'a string',
        received: 'number',
        message: 'result.tools[3].name: expected a string, received number',
      },
    })
  })

  it('one odd description, icon or hint does not cost the whole list', () => {
    const odd = {
      ...tool,
      description: 7,
      icons: 'none',
      annotations: { readOnlyHint: 'yes', title: 'Search' },
      execution: null,
    }
    expect(readResult('tools/list', { tools: [odd], ttlMs: 'soon', cacheScope: 'mine' })).toEqual({
      ok: true,
      value: { tools: [{ ...tool, annotations: { title: 'Search' } }] },
    })
  })

  it('nulls inside schemas, arguments and other foreign objects are kept', () => {
    const value = { tools: [{ ...tool, inputSchema: { type: 'object', default: null, properties: { a: null } } }] }
    expect(readResult('tools/list', value)).toEqual({ ok: true, value })
  })

  it.each([
    ['tools/list', 'tools'],
    ['resources/list', 'resources'],
    ['resources/templates/list', 'resourceTemplates'],
    ['prompts/list', 'prompts'],
    ['resources/read', 'contents'],
    ['tools/call', 'content'],
    ['prompts/get', 'messages'],
  ])('%s: null for %s is an empty list', (method, member) => {
    expect(readResult(method, { [member]: null, nextCursor: null })).toMatchObject({
      ok: true,
      value: { [member]: [] },
    })
  })

  it('a tool may answer with structured content alone', () => {
    expect(readResult('tools/call', { structuredContent: { a: 1 } })).toEqual({
      ok: true,
      value: { structuredContent: { a: 1 }, content: [] },
    })
  })

  it('a content block of a later revision passes as it is', () => {
    const value = { content: [{ type: 'hologram', beam: 1 }] }
    expect(readResult('tools/call', value)).toEqual({ ok: true, value })
  })

  it('contents of a resource are text or bytes; null beside the other is absent', () => {
    expect(readResult('resources/read', { contents: [{ uri: 'a:b', text: 'x', blob: null }] })).toEqual({
      ok: true,
      value: { contents: [{ uri: 'a:b', text: 'x' }] },
    })
    expect(readResult('resources/read', { contents: [{ uri: 'a:b' }] })).toMatchObject({
      issue: { message: 'result.contents[0]: expected an object with text or blob, received object' },
    })
  })

  it('an error flag or cursor of a wrong type is refused: acting on it would be a guess', () => {
    expect(readResult('tools/call', { content: [], isError: 'true' })).toMatchObject({
      issue: { path: 'result.isError' },
    })
    expect(readResult('tools/list', { tools: [], nextCursor: 5 })).toMatchObject({
      issue: { path: 'result.nextCursor' },
    })
  })

  it('`true` declares a capability without settings; null and anything else do not', () => {
    const serverInfo = { name: 'a', version: '1' }
    const capabilities = {
      tools: true,
      prompts: null,
      resources: 'yes',
      logging: {},
      completions: false,
      'com.example/x': 1,
    }
    expect(readResult('initialize', { protocolVersion: '2025-11-25', serverInfo, capabilities })).toMatchObject({
      value: { capabilities: { tools: {}, logging: {}, 'com.example/x': 1 } },
    })
    const read = readResult('initialize', { protocolVersion: '2025-11-25', serverInfo, capabilities })
    expect(read.ok && Object.keys(read.value.capabilities).sort()).toEqual(['com.example/x', 'logging', 'tools'])
  })

  it('the result of an unknown method must only be an object', () => {
    expect(readResult('com.example/method', { any: null })).toEqual({ ok: true, value: { any: null } })
    expect(readResult('com.example/method', [])).toMatchObject({
      issue: { message: 'result: expected an object, received array' },
    })
    expect(readResult('toString', 1)).toMatchObject({ ok: false })
  })

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(RESULT_SHAPES)), fc.jsonValue(), (method, value) => {
        expect(() => readResult(method, value)).not.toThrow()
      }),
    )
  })
})

describe('readServerNotification', () => {
  it('absent or null parameters are empty', () => {
    expect(readServerNotification('notifications/tools/list_changed', undefined)).toEqual({ ok: true, value: {} })
    expect(readServerNotification('notifications/tools/list_changed', null)).toEqual({ ok: true, value: {} })
  })

  it.each([
    [
      'notifications/progress',
      { progress: 1 },
      'params.progressToken: expected a string or an integer, received nothing',
    ],
    [
      'notifications/progress',
      { progressToken: 1.5, progress: 1 },
      'params.progressToken: expected a string or an integer, received number',
    ],
    [
      'notifications/progress',
      { progressToken: 1, progress: '50%' },
      'params.progress: expected a number, received string',
    ],
    ['notifications/resources/updated', {}, 'params.uri: expected a string, received nothing'],
    [
      'notifications/cancelled',
      { requestId: {} },
      'params.requestId: expected a string or an integer, received object',
    ],
    ['notifications/subscriptions/acknowledged', {}, 'params.notifications: expected an object, received nothing'],
    ['notifications/elicitation/complete', {}, 'params.elicitationId: expected a string, received nothing'],
  ])('%s with %j: %s', (method, params, message) => {
    expect(readServerNotification(method, params)).toMatchObject({ ok: false, issue: { message } })
  })

  it('a log message needs a known level and may carry anything', () => {
    expect(readServerNotification('notifications/message', { level: 'info', data: null })).toEqual({
      ok: true,
      value: { level: 'info', data: null },
    })
    expect(readServerNotification('notifications/message', { level: 'loud', data: 1 })).toMatchObject({
      issue: { path: 'params.level' },
    })
  })

  it('an unknown notification passes', () => {
    expect(readServerNotification('notifications/com.example/x', { a: null })).toEqual({ ok: true, value: { a: null } })
  })
})
