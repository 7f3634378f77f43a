import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inputRequiredResult } from '../../../src/protocol/input-required-shapes.ts'
import type { ClientRequestMethod, ServerNotificationMethod } from '../../../src/protocol/methods.ts'
import { readServerNotification } from '../../../src/protocol/notification-shapes.ts'
import { readResult } from '../../../src/protocol/result-shapes.ts'
import { PROTOCOL_REVISIONS } from '../../../src/protocol/revisions.ts'
import { readShape } from '../../../src/protocol/shape.ts'
import { instancesOf } from './instances.ts'
import { publishedSchema } from './published-schema.ts'

const RESULTS: Partial<Record<ClientRequestMethod, string>> = {
  initialize: 'InitializeResult',
  ping: 'EmptyResult',
  'server/discover': 'DiscoverResult',
  'tools/list': 'ListToolsResult',
  'tools/call': 'CallToolResult',
  'resources/list': 'ListResourcesResult',
  'resources/templates/list': 'ListResourceTemplatesResult',
  'resources/read': 'ReadResourceResult',
  'prompts/list': 'ListPromptsResult',
  'prompts/get': 'GetPromptResult',
  'completion/complete': 'CompleteResult',
  'subscriptions/listen': 'SubscriptionsListenResult',
}

const NOTIFICATIONS: Record<ServerNotificationMethod, string> = {
  'notifications/cancelled': 'CancelledNotification',
  'notifications/progress': 'ProgressNotification',
  'notifications/message': 'LoggingMessageNotification',
  'notifications/tools/list_changed': 'ToolListChangedNotification',
  'notifications/prompts/list_changed': 'PromptListChangedNotification',
  'notifications/resources/list_changed': 'ResourceListChangedNotification',
  'notifications/resources/updated': 'ResourceUpdatedNotification',
  'notifications/elicitation/complete': 'ElicitationCompleteNotification',
  'notifications/subscriptions/acknowledged': 'SubscriptionsAcknowledgedNotification',
}

const initializeResult = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  serverInfo: { name: 'otters', version: '1' },
}
const discoverResult = {
  resultType: 'complete',
  ttlMs: 0,
  cacheScope: 'private',
  supportedVersions: ['2026-07-28'],
  capabilities: {},
}
const tool = { name: 'search', inputSchema: { type: 'object' } }
const templates = { resourceTemplates: [{ uriTemplate: 'a:{b}', name: 'a' }] }
const prompt = { name: 'a', arguments: [{ name: 'b' }] }
const message = { role: 'user', content: { type: 'text', text: '' } }

const handshake = publishedSchema('2025-11-25')
const stateless = publishedSchema('2026-07-28')

const runs = { numRuns: 40 }

describe.each(PROTOCOL_REVISIONS)('readers and the published schema of %s', revision => {
  const schema = publishedSchema(revision)
  const results = Object.entries(RESULTS).filter(([, definition]) => definition in schema.definitions)
  const notifications = Object.entries(NOTIFICATIONS).filter(([, definition]) => definition in schema.definitions)

  it('covers the results and notifications of the revision', () => {
    expect(results.length).toBeGreaterThanOrEqual(10)
    expect(notifications.length).toBeGreaterThanOrEqual(7)
  })

  it.each(results)('a valid result of %s (%s) is read unchanged', (method, definition) => {
    const property = fc.property(instancesOf(schema, definition, { unknownMembers: true }), instance => {
      expect(schema.problems(definition, instance)).toEqual([])
      expect(readResult(method, instance)).toEqual({ ok: true, value: instance })
    })
    fc.assert(property, runs)
  })

  it.each(results)('a result of %s (%s) may have null for what is optional', (method, definition) => {
    const property = fc.property(instancesOf(schema, definition, { nulls: true }), instance => {
      const before = structuredClone(instance)
      expect(readResult(method, instance)).toMatchObject({ ok: true })
      expect(instance).toEqual(before)
    })
    fc.assert(property, runs)
  })

  it.each(notifications)('a valid %s (%s) is read unchanged', (method, definition) => {
    const property = fc.property(instancesOf(schema, definition), instance => {
      const whole = { jsonrpc: '2.0', ...instance }
      expect(schema.problems(definition, whole)).toEqual([])
      expect(readServerNotification(method, instance.params)).toEqual({ ok: true, value: instance.params ?? {} })
    })
    fc.assert(property, runs)
  })
})

describe('input-required results and the published schema of 2026-07-28', () => {
  const instances = instancesOf(stateless, 'InputRequiredResult').map(instance => ({
    ...instance,
    resultType: 'input_required',
  }))

  it('a valid one is read unchanged, and one that asks for nothing is refused', () => {
    const property = fc.property(instances, instance => {
      expect(stateless.problems('InputRequiredResult', instance)).toEqual([])
      const read = readShape(inputRequiredResult, instance, 'result')
      if (instance.inputRequests === undefined && instance.requestState === undefined) expect(read.ok).toBe(false)
      else expect(read).toEqual({ ok: true, value: instance })
    })
    fc.assert(property, { numRuns: 150 })
  })
})

/** Members that the client relies on: deleting one, or giving it a wrong type, must be noticed and named. */
const RELIED_ON: readonly (readonly [method: string, instance: object, path: string])[] = [
  ['initialize', initializeResult, 'protocolVersion'],
  ['initialize', initializeResult, 'capabilities'],
  ['initialize', initializeResult, 'serverInfo'],
  ['initialize', initializeResult, 'serverInfo.name'],
  ['initialize', initializeResult, 'serverInfo.version'],
  ['server/discover', discoverResult, 'supportedVersions'],
  ['server/discover', discoverResult, 'supportedVersions[0]'],
  ['server/discover', discoverResult, 'capabilities'],
  ['tools/list', { tools: [tool] }, 'tools'],
  ['tools/list', { tools: [tool, { ...tool }] }, 'tools[1]'],
  ['tools/list', { tools: [tool, { ...tool }] }, 'tools[1].name'],
  ['tools/list', { tools: [tool] }, 'tools[0].inputSchema'],
  ['tools/call', { content: [] }, 'content'],
  ['tools/call', { content: [{ type: 'text', text: '' }] }, 'content[0].type'],
  ['tools/call', { content: [{ type: 'text', text: '' }] }, 'content[0].text'],
  ['tools/call', { content: [{ type: 'image', data: '', mimeType: '' }] }, 'content[0].data'],
  ['tools/call', { content: [{ type: 'image', data: '', mimeType: '' }] }, 'content[0].mimeType'],
  ['tools/call', { content: [{ type: 'audio', data: '', mimeType: '' }] }, 'content[0].data'],
  ['tools/call', { content: [{ type: 'resource_link', uri: 'a:b', name: 'a' }] }, 'content[0].uri'],
  ['tools/call', { content: [{ type: 'resource_link', uri: 'a:b', name: 'a' }] }, 'content[0].name'],
  ['tools/call', { content: [{ type: 'resource', resource: { uri: 'a:b', text: '' } }] }, 'content[0].resource'],
  ['tools/call', { content: [{ type: 'resource', resource: { uri: 'a:b', text: '' } }] }, 'content[0].resource.uri'],
  ['resources/list', { resources: [{ uri: 'a:b', name: 'a' }] }, 'resources'],
  ['resources/list', { resources: [{ uri: 'a:b', name: 'a' }] }, 'resources[0].uri'],
  ['resources/list', { resources: [{ uri: 'a:b', name: 'a' }] }, 'resources[0].name'],
  ['resources/templates/list', templates, 'resourceTemplates'],
  ['resources/templates/list', templates, 'resourceTemplates[0].uriTemplate'],
  ['resources/templates/list', templates, 'resourceTemplates[0].name'],
  ['resources/read', { contents: [{ uri: 'a:b', text: '' }] }, 'contents'],
  ['resources/read', { contents: [{ uri: 'a:b', text: '' }] }, 'contents[0].uri'],
  ['prompts/list', { prompts: [prompt] }, 'prompts'],
  ['prompts/list', { prompts: [prompt] }, 'prompts[0].name'],
  ['prompts/list', { prompts: [prompt] }, 'prompts[0].arguments[0].name'],
  ['prompts/get', { messages: [message] }, 'messages'],
  ['prompts/get', { messages: [message] }, 'messages[0].role'],
  ['prompts/get', { messages: [message] }, 'messages[0].content'],
  ['prompts/get', { messages: [message] }, 'messages[0].content.text'],
  ['completion/complete', { completion: { values: ['a'] } }, 'completion'],
  ['completion/complete', { completion: { values: ['a'] } }, 'completion.values'],
  ['completion/complete', { completion: { values: ['a'] } }, 'completion.values[0]'],
]

describe('results without what the client relies on', () => {
  it.each(RELIED_ON)('%s of %j without %s is refused, and the path is named', (method, instance, path) => {
    expect(readResult(method, instance)).toMatchObject({ ok: true })
    const issue = { path: `result.${path}`, received: 'nothing' }
    expect(readResult(method, replaced(instance, path, undefined))).toMatchObject({ ok: false, issue })
  })

  it.each(RELIED_ON)('%s of %j with a number as %s is refused, and the path is named', (method, instance, path) => {
    const verdict = readResult(method, replaced(instance, path, 7))
    expect(verdict).toMatchObject({ ok: false, issue: { path: `result.${path}`, received: 'number' } })
    expect(verdict.ok || verdict.issue.message).toMatch(/: expected .+, received number$/)
  })

  it.each(RELIED_ON)('the published schema requires it too: %s of %j, %s', (method, instance, path) => {
    const definition = RESULTS[method as ClientRequestMethod]!
    const schema = method === 'server/discover' ? stateless : handshake
    expect(schema.problems(definition, instance)).toEqual([])
    expect(schema.problems(definition, replaced(instance, path, 7))).not.toEqual([])
  })
})

/** A copy in which the value at a path such as `tools[0].name` is another; undefined deletes it. */
function replaced(instance: object, path: string, value: unknown): object {
  const copy: any = structuredClone(instance)
  const keys = path.split(/[.[\]]+/).filter(Boolean)
  const last = keys.pop()!
  let place = copy
  for (const key of keys) place = place[key]
  place[last] = value
  if (value === undefined && !Array.isArray(place)) delete place[last]
  return copy
}
