import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  CLIENT_NOTIFICATION_FAMILIES,
  CLIENT_REQUEST_FAMILIES,
  SERVER_NOTIFICATION_FAMILIES,
  SERVER_REQUEST_FAMILIES,
} from '../../../src/protocol/methods.ts'
import { isHandshakeRevision, PROTOCOL_REVISIONS, REVISION_FEATURES } from '../../../src/protocol/revisions.ts'
import type { ProtocolRevision } from '../../../src/protocol/revisions.ts'
import type { RevisionFamily } from '../../../src/protocol/revisions/family.ts'
import { handshakeFamily } from '../../../src/protocol/revisions/handshake.ts'
import { statelessFamily } from '../../../src/protocol/revisions/stateless.ts'
import {
  CLIENT,
  CLIENT_NOTIFICATION_FIXTURES,
  CLIENT_REQUEST_FIXTURES,
  LATE_SERVER_REQUEST_FIXTURES,
  RESULT_FIXTURES,
  SERVER_NOTIFICATION_FIXTURES,
  SERVER_REQUEST_FIXTURES,
} from './fixtures.ts'
import { closedSchema, publishedSchema } from './published-schema.ts'
import type { PublishedSchema } from './published-schema.ts'

function familyOf(revision: ProtocolRevision): RevisionFamily {
  return isHandshakeRevision(revision) ? handshakeFamily(revision) : statelessFamily(revision, CLIENT)
}

/** Method → name of its definition, read from a union such as `ClientRequest`. */
function methodsOf(schema: PublishedSchema, union: string): ReadonlyMap<string, string> {
  const node = schema.definitions[union]
  const members = node?.anyOf ?? (node ? [node] : [])
  const methods = members.flatMap(member => {
    const name = member.$ref?.slice(member.$ref.lastIndexOf('/') + 1)
    const method = (name ? schema.definitions[name] : member)?.properties?.['method']?.const
    return typeof method === 'string' ? [[method, name ?? union] as const] : []
  })
  return new Map(methods)
}

const isTask = (method: string): boolean => method.startsWith('tasks/') || method.startsWith('notifications/tasks/')
const envelope = { jsonrpc: '2.0', id: 1 }

describe.each(PROTOCOL_REVISIONS)('our types and the published schema of %s', revision => {
  const schema = publishedSchema(revision)
  const family = familyOf(revision)

  const results = RESULT_FIXTURES.filter(
    ({ definition, since = '' }) => definition in schema.definitions && revision >= since,
  )

  it.each(results.map(({ definition, value }) => [definition, value] as const))('%s', (definition, value) => {
    expect(schema.problems(definition, value)).toEqual([])
  })

  it.each([...methodsOf(schema, 'ClientRequest')].filter(([method]) => !isTask(method)))(
    'request of a client: %s',
    (method, definition) => {
      const fixtures: readonly object[] = CLIENT_REQUEST_FIXTURES[method as keyof typeof CLIENT_REQUEST_FIXTURES]
      expect(fixtures.length).toBeGreaterThan(0)
      for (const params of fixtures) {
        for (const options of [{}, { meta: { 'com.example/key': 1 }, progressToken: 'p', logLevel: 'info' as const }]) {
          const encoded = family.messages.encodeRequest(params, options)
          expect(schema.problems(definition, { ...envelope, method, params: encoded })).toEqual([])
        }
      }
    },
  )

  it.each([...methodsOf(schema, 'ServerRequest')].filter(([method]) => !isTask(method)))(
    'request of a server: %s',
    (method, definition) => {
      const late = REVISION_FEATURES[revision].elicitationModes.includes('url') ? LATE_SERVER_REQUEST_FIXTURES : {}
      const fixtures = { ...SERVER_REQUEST_FIXTURES, ...late } as Record<string, readonly object[]>
      for (const params of [
        ...(SERVER_REQUEST_FIXTURES as Record<string, readonly object[]>)[method]!,
        ...fixtures[method]!,
      ]) {
        expect(schema.problems(definition, { ...envelope, method, params })).toEqual([])
      }
    },
  )

  it.each([...methodsOf(schema, 'ClientNotification')].filter(([method]) => !isTask(method)))(
    'notification of a client: %s',
    (method, definition) => {
      const params = (CLIENT_NOTIFICATION_FIXTURES as Record<string, object>)[method]!
      expect(
        schema.problems(definition, { jsonrpc: '2.0', method, params: family.messages.encodeNotification(params) }),
      ).toEqual([])
    },
  )

  it.each([...methodsOf(schema, 'ServerNotification')].filter(([method]) => !isTask(method)))(
    'notification of a server: %s',
    (method, definition) => {
      const params = (SERVER_NOTIFICATION_FIXTURES as Record<string, object>)[method]!
      expect(schema.problems(definition, { jsonrpc: '2.0', method, params })).toEqual([])
    },
  )
})

describe('our types and the members of all published schemas together', () => {
  const closed = closedSchema()
  const unions = ['ClientRequest', 'ServerRequest', 'ClientNotification', 'ServerNotification']
  const definitions = new Map(
    PROTOCOL_REVISIONS.flatMap(revision => unions.flatMap(union => [...methodsOf(publishedSchema(revision), union)])),
  )
  const messages = [CLIENT_REQUEST_FIXTURES, SERVER_REQUEST_FIXTURES, LATE_SERVER_REQUEST_FIXTURES].flatMap(fixtures =>
    Object.entries(fixtures as Record<string, readonly object[]>).flatMap(([method, all]) =>
      all.map(params => ({ ...envelope, method, params })),
    ),
  )
  const notifications = [CLIENT_NOTIFICATION_FIXTURES, SERVER_NOTIFICATION_FIXTURES].flatMap(fixtures =>
    Object.entries(fixtures).map(([method, params]) => ({ jsonrpc: '2.0', method, params })),
  )

  it.each(RESULT_FIXTURES.map(fixture => [fixture.definition, fixture.value] as const))(
    '%s has no member that no schema has',
    (definition, value) => {
      expect(closed.unknownMembers(definition, value)).toEqual([])
    },
  )

  it.each([...messages, ...notifications].map(message => [message.method, message] as const))(
    '%s has no member that no schema has',
    (method, message) => {
      expect(closed.unknownMembers(definitions.get(method)!, message)).toEqual([])
    },
  )

  it('would notice one', () => {
    expect(
      closed.unknownMembers('ListToolsResult', {
        tools: [{ name: 'a', inputSchema: { type: 'object' }, colour: 'red' }],
      }),
    ).toEqual(['/tools/0/colour'])
  })
})

describe('the methods of a family', () => {
  const tables = {
    ClientRequest: CLIENT_REQUEST_FAMILIES,
    ServerRequest: SERVER_REQUEST_FAMILIES,
    ClientNotification: CLIENT_NOTIFICATION_FAMILIES,
    ServerNotification: SERVER_NOTIFICATION_FAMILIES,
  }

  it.each(Object.entries(tables))(
    '%s: our table lists for each family exactly the methods of its revisions, tasks aside',
    (union, table) => {
      for (const family of ['handshake', 'stateless'] as const) {
        const revisions = PROTOCOL_REVISIONS.filter(revision => REVISION_FEATURES[revision].family === family)
        const published = new Set(
          revisions.flatMap(revision => [...methodsOf(publishedSchema(revision), union).keys()]),
        )
        const ours = Object.entries(table).filter(([, families]) => families.includes(family))
        expect(ours.map(([method]) => method).sort()).toEqual([...published].filter(method => !isTask(method)).sort())
      }
    },
  )
})

describe('the names of the published schemas', () => {
  const sources = readdirSync('src/protocol', { recursive: true, encoding: 'utf8' }).filter(file =>
    file.endsWith('.ts'),
  )
  const typed = new Set(
    sources.flatMap(file =>
      [...readFileSync(`src/protocol/${file}`, 'utf8').matchAll(/^export (?:interface|type) (\w+)/gm)].map(
        match => match[1] ?? '',
      ),
    ),
  )
  const notOurs: Record<string, readonly string[]> = JSON.parse(
    readFileSync('test/oracle/protocol/not-ours.json', 'utf8'),
  )
  const listed = Object.values(notOurs).flat()
  const published = new Set(PROTOCOL_REVISIONS.flatMap(revision => Object.keys(publishedSchema(revision).definitions)))

  it('every one is a type of ours or on the list of those that are not', () => {
    expect([...published].filter(name => !typed.has(name) && !listed.includes(name))).toEqual([])
  })

  it('the list holds nothing that we type or that no schema has, and only shrinks', () => {
    expect(listed.filter(name => typed.has(name) || !published.has(name))).toEqual([])
    expect(new Set(listed).size).toBe(listed.length)
    expect(listed.length).toBeLessThanOrEqual(78)
  })
})

describe('error answers without an id', () => {
  const error = { jsonrpc: '2.0', error: { code: -32600, message: 'Invalid Request' } }

  it.each(PROTOCOL_REVISIONS)(
    'R-RPC-1 %s: an id is left out exactly where the published schema lets it be absent',
    revision => {
      const schema = publishedSchema(revision)
      const definition = 'JSONRPCErrorResponse' in schema.definitions ? 'JSONRPCErrorResponse' : 'JSONRPCError'
      expect(schema.problems(definition, { ...error, id: 1 })).toEqual([])
      expect(schema.problems(definition, error).length === 0).toBe(REVISION_FEATURES[revision].omitUnknownErrorId)
      // No published schema knows null: up to 2025-06-18 it comes from JSON-RPC 2.0 §5, which has nothing else to offer.
      expect(schema.problems(definition, { ...error, id: null })).not.toEqual([])
    },
  )
})
