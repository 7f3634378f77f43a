import { isObject } from '../../src/jsonrpc/message.ts'
import { type ProtocolRevision, REVISION_FEATURES } from '../../src/protocol/revisions.ts'
import { publishedSchema } from '../oracle/protocol/published-schema.ts'

const RESULTS: Readonly<Record<string, string>> = {
  initialize: 'InitializeResult',
  ping: 'EmptyResult',
  'server/discover': 'DiscoverResult',
  'tools/list': 'ListToolsResult',
  'tools/call': 'CallToolResult',
  'prompts/list': 'ListPromptsResult',
  'prompts/get': 'GetPromptResult',
  'resources/list': 'ListResourcesResult',
  'resources/templates/list': 'ListResourceTemplatesResult',
  'resources/read': 'ReadResourceResult',
  'resources/subscribe': 'EmptyResult',
  'resources/unsubscribe': 'EmptyResult',
  'logging/setLevel': 'EmptyResult',
  'completion/complete': 'CompleteResult',
  'subscriptions/listen': 'SubscriptionsListenResult',
}

const schemas = new Map<ProtocolRevision, ReturnType<typeof publishedSchema>>()

function schemaOf(revision: ProtocolRevision): ReturnType<typeof publishedSchema> {
  const known = schemas.get(revision) ?? publishedSchema(revision)
  schemas.set(revision, known)
  return known
}

/** Holds what a server sends against the published schema of its revision. */
export interface WireCheck {
  /** Every message of the server, as it came. */
  readonly messages: readonly Readonly<Record<string, any>>[]
  sent(message: unknown): void
  received(message: unknown): void
  /** What is wrong with what the server sent, in words; empty when nothing is. */
  problems(): readonly string[]
}

/** Listens to one connection whose messages are all in one revision. Methods that no revision has are let through. */
export function createWireCheck(revision: ProtocolRevision): WireCheck {
  const schema = schemaOf(revision)
  const { family } = REVISION_FEATURES[revision]
  const methods = new Map<unknown, string>()
  const messages: Readonly<Record<string, any>>[] = []
  const problems: string[] = []
  const check = (definition: string, value: unknown, what: string): void => {
    for (const problem of schema.problems(definition, value))
      problems.push(`${what}: ${problem} in ${JSON.stringify(value)}`)
  }
  const errorName = 'JSONRPCErrorResponse' in schema.definitions ? 'JSONRPCErrorResponse' : 'JSONRPCError'
  const resultName = 'JSONRPCResultResponse' in schema.definitions ? 'JSONRPCResultResponse' : 'JSONRPCResponse'

  const receivedOne = (message: Readonly<Record<string, any>>): void => {
    messages.push(message)
    if ('method' in message && 'id' in message) {
      if (family === 'stateless') problems.push(`a request of the server: ${JSON.stringify(message)}`)
      else check('ServerRequest', message, message['method'])
    } else if ('method' in message) {
      check('JSONRPCNotification', message, message['method'])
      if (knows(schema.definitions['ServerNotification'], schema.definitions, message['method']))
        check('ServerNotification', message, message['method'])
    } else if ('error' in message) {
      check(errorName, message, `error of ${methods.get(message['id'])}`)
    } else {
      const method = methods.get(message['id']) ?? ''
      check(resultName, message, `result of ${method}`)
      const isAsking = family === 'stateless' && message['result'].resultType === 'input_required'
      const definition = isAsking ? 'InputRequiredResult' : RESULTS[method]
      if (definition !== undefined) check(definition, message['result'], `result of ${method}`)
    }
  }
  return {
    messages,
    sent: message => {
      for (const each of Array.isArray(message) ? message : [message])
        if (isObject(each) && 'id' in each && 'method' in each) methods.set(each['id'], String(each['method']))
    },
    received: message => {
      for (const each of Array.isArray(message) ? message : [message]) receivedOne(each)
    },
    problems: () => problems,
  }
}

function knows(union: any, definitions: any, method: string): boolean {
  return (union?.anyOf ?? []).some(
    (member: any) => definitions[member.$ref.split('/').at(-1)]?.properties?.method?.const === method,
  )
}
