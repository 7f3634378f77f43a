import type { ClientCapabilities, ServerCapabilities } from '../../../src/protocol/capabilities.ts'
import type {
  AudioContent,
  EmbeddedResource,
  ImageContent,
  ResourceLink,
  TextContent,
} from '../../../src/protocol/content.ts'
import type { CompleteResult } from '../../../src/protocol/completion.ts'
import type { DiscoverResult } from '../../../src/protocol/discover.ts'
import type {
  ElicitRequestFormParams,
  ElicitResult,
  PrimitiveSchemaDefinition,
} from '../../../src/protocol/elicitation.ts'
import type { Icon, Implementation } from '../../../src/protocol/implementation.ts'
import type { InitializeResult } from '../../../src/protocol/initialize.ts'
import type { InputRequiredResult } from '../../../src/protocol/input-required.ts'
import type { EmptyResult } from '../../../src/protocol/message.ts'
import type {
  ClientNotifications,
  ClientRequests,
  ServerNotifications,
  ServerRequests,
} from '../../../src/protocol/methods.ts'
import type { GetPromptResult, ListPromptsResult, Prompt } from '../../../src/protocol/prompts.ts'
import type {
  ListResourcesResult,
  ListResourceTemplatesResult,
  ReadResourceResult,
  Resource,
  ResourceTemplate,
} from '../../../src/protocol/resources.ts'
import type { ListRootsResult } from '../../../src/protocol/roots.ts'
import type { CreateMessageRequestParams, CreateMessageResult } from '../../../src/protocol/sampling.ts'
import type { SubscriptionsListenResult } from '../../../src/protocol/subscriptions.ts'
import type { CallToolResult, ListToolsResult, Tool } from '../../../src/protocol/tools.ts'

// Every member of every type appears at least once: a member with another name or type in a published schema fails its test.

const icon: Icon = { src: 'https://example.com/icon.png', mimeType: 'image/png', sizes: ['48x48'], theme: 'dark' }
const implementation: Implementation = {
  name: 'otters',
  title: 'Otters',
  version: '1.0.0',
  description: 'Finds otters',
  icons: [icon],
  websiteUrl: 'https://example.com/',
}
const annotations = { audience: ['user', 'assistant'], priority: 0.5, lastModified: '2025-01-12T15:00:58Z' } as const
const meta = { 'com.example/key': { any: 1 }, traceparent: '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01' }

const textContent: TextContent = { type: 'text', text: 'an otter', annotations, _meta: meta }
const imageContent: ImageContent = { type: 'image', data: 'aGVsbG8=', mimeType: 'image/png', annotations, _meta: meta }
const audioContent: AudioContent = { type: 'audio', data: 'aGVsbG8=', mimeType: 'audio/wav', annotations, _meta: meta }
const resource: Resource = {
  uri: 'file:///otter.txt',
  name: 'otter',
  title: 'Otter',
  description: 'About one',
  mimeType: 'text/plain',
  icons: [icon],
  annotations,
  size: 7,
  _meta: meta,
}
const resourceLink: ResourceLink = { ...resource, type: 'resource_link' }
const embeddedResource: EmbeddedResource = {
  type: 'resource',
  resource: { uri: 'file:///otter.txt', mimeType: 'text/plain', text: 'otter', _meta: meta },
  annotations,
  _meta: meta,
}
const resourceTemplate: ResourceTemplate = {
  uriTemplate: 'file:///{name}.txt',
  name: 'texts',
  title: 'Texts',
  description: 'All',
  mimeType: 'text/plain',
  icons: [icon],
  annotations,
  _meta: meta,
}
const tool: Tool = {
  name: 'search',
  title: 'Search',
  description: 'Searches',
  inputSchema: {
    type: 'object',
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    properties: { query: { type: 'string' } },
    required: ['query'],
  },
  outputSchema: { type: 'object', properties: { found: { type: 'number' } }, required: ['found'] },
  annotations: {
    title: 'Search',
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  execution: { taskSupport: 'optional' },
  icons: [icon],
  _meta: meta,
}
const prompt: Prompt = {
  name: 'greet',
  title: 'Greet',
  description: 'Greets',
  arguments: [{ name: 'who', title: 'Who', description: 'Whom', required: true }],
  icons: [icon],
  _meta: meta,
}
const clientCapabilities: ClientCapabilities = {
  experimental: { 'com.example/x': {} },
  roots: { listChanged: true },
  sampling: { context: {}, tools: {} },
  elicitation: { form: {}, url: {} },
  extensions: { 'com.example/y': { level: 2 } },
}
const serverCapabilities: ServerCapabilities = {
  experimental: { 'com.example/x': {} },
  logging: {},
  completions: {},
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  tools: { listChanged: true },
  extensions: { 'com.example/y': { level: 2 } },
}
const fields: Record<string, PrimitiveSchemaDefinition> = {
  mail: {
    type: 'string',
    title: 'Mail',
    description: 'Yours',
    minLength: 3,
    maxLength: 99,
    format: 'email',
    default: 'a@example.com',
  },
  age: { type: 'integer', title: 'Age', description: 'Yours', minimum: 0, maximum: 150, default: 30 },
  sure: { type: 'boolean', title: 'Sure', description: 'Really', default: false },
  size: {
    type: 'string',
    title: 'Size',
    description: 'Yours',
    enum: ['s', 'm'],
    enumNames: ['Small', 'Medium'],
    default: 's',
  },
}
const choices: Record<string, PrimitiveSchemaDefinition> = {
  one: { type: 'string', oneOf: [{ const: 's', title: 'Small' }], default: 's' },
  plain: { type: 'string', enum: ['s'], default: 's' },
  several: { type: 'array', items: { type: 'string', enum: ['s'] }, minItems: 0, maxItems: 1, default: ['s'] },
  titled: {
    type: 'array',
    items: { anyOf: [{ const: 's', title: 'Small' }] },
    minItems: 0,
    maxItems: 1,
    default: ['s'],
  },
}
const form: ElicitRequestFormParams = {
  mode: 'form',
  message: 'Who?',
  requestedSchema: { type: 'object', properties: fields, required: ['mail'] },
}
const sampling: CreateMessageRequestParams = {
  messages: [{ role: 'user', content: { type: 'text', text: 'Hello' }, _meta: meta }],
  maxTokens: 100,
  modelPreferences: { hints: [{ name: 'small' }], costPriority: 1, speedPriority: 0.5, intelligencePriority: 0 },
  systemPrompt: 'Be brief',
  includeContext: 'none',
  temperature: 0.5,
  stopSequences: ['.'],
  metadata: {},
  tools: [tool],
  toolChoice: { mode: 'auto' },
}
const complete = {
  resultType: 'complete',
  _meta: { ...meta, 'io.modelcontextprotocol/serverInfo': implementation },
} as const
const cacheable = { ...complete, ttlMs: 1000, cacheScope: 'private' } as const

/** A value of one of our types, and the definition of the published schemas that it must satisfy wherever that exists. */
export interface Fixture {
  readonly definition: string
  readonly value: object
  /** The first revision the value is for; the definition may be older. */
  readonly since?: string
}

const result: Fixture[] = [
  { definition: 'EmptyResult', value: complete satisfies EmptyResult },
  {
    definition: 'InitializeResult',
    value: {
      _meta: meta,
      protocolVersion: '2025-11-25',
      capabilities: serverCapabilities,
      serverInfo: implementation,
      instructions: 'Search',
    } satisfies InitializeResult,
  },
  {
    definition: 'DiscoverResult',
    value: {
      ...cacheable,
      supportedVersions: ['2026-07-28'],
      capabilities: serverCapabilities,
      instructions: 'Search',
    } satisfies DiscoverResult,
  },
  { definition: 'ListToolsResult', value: { ...cacheable, tools: [tool], nextCursor: 'n' } satisfies ListToolsResult },
  {
    definition: 'ListResourcesResult',
    value: { ...cacheable, resources: [resource], nextCursor: 'n' } satisfies ListResourcesResult,
  },
  {
    definition: 'ListResourceTemplatesResult',
    value: {
      ...cacheable,
      resourceTemplates: [resourceTemplate],
      nextCursor: 'n',
    } satisfies ListResourceTemplatesResult,
  },
  {
    definition: 'ReadResourceResult',
    value: {
      ...cacheable,
      contents: [embeddedResource.resource, { uri: 'file:///b', blob: 'aGVsbG8=', mimeType: 'image/png', _meta: meta }],
    } satisfies ReadResourceResult,
  },
  {
    definition: 'ListPromptsResult',
    value: { ...cacheable, prompts: [prompt], nextCursor: 'n' } satisfies ListPromptsResult,
  },
  {
    definition: 'CallToolResult',
    value: {
      ...complete,
      content: [textContent, imageContent, embeddedResource],
      structuredContent: { found: 1 },
      isError: false,
    } satisfies CallToolResult,
  },
  {
    definition: 'CallToolResult',
    since: '2025-03-26',
    value: { ...complete, content: [audioContent] } satisfies CallToolResult,
  },
  {
    definition: 'CallToolResult',
    since: '2025-06-18',
    value: { ...complete, content: [resourceLink] } satisfies CallToolResult,
  },
  {
    definition: 'CallToolResult',
    since: '2026-07-28',
    value: { ...complete, content: [], structuredContent: [1] } satisfies CallToolResult,
  },
  {
    definition: 'GetPromptResult',
    value: {
      ...complete,
      description: 'Greets',
      messages: [
        { role: 'user', content: textContent },
        { role: 'assistant', content: embeddedResource },
      ],
    } satisfies GetPromptResult,
  },
  {
    definition: 'CompleteResult',
    value: { ...complete, completion: { values: ['a'], total: 2, hasMore: true } } satisfies CompleteResult,
  },
  {
    definition: 'SubscriptionsListenResult',
    value: { ...complete, _meta: { 'io.modelcontextprotocol/subscriptionId': 1 } } satisfies SubscriptionsListenResult,
  },
  {
    definition: 'ListRootsResult',
    value: { roots: [{ uri: 'file:///home', name: 'Home', _meta: meta }] } satisfies ListRootsResult,
  },
  {
    definition: 'CreateMessageResult',
    value: {
      role: 'assistant',
      content: { type: 'text', text: 'Hi' },
      model: 'small',
      stopReason: 'endTurn',
      _meta: meta,
    } satisfies CreateMessageResult,
  },
  {
    definition: 'CreateMessageResult',
    since: '2025-11-25',
    value: {
      role: 'assistant',
      model: 'small',
      content: [
        { type: 'tool_use', id: '1', name: 'search', input: { query: 'otter' }, _meta: meta },
        {
          type: 'tool_result',
          toolUseId: '1',
          content: [textContent],
          structuredContent: { found: 1 },
          isError: false,
          _meta: meta,
        },
      ],
    } satisfies CreateMessageResult,
  },
  {
    definition: 'ElicitResult',
    value: { action: 'accept', content: { mail: 'a@example.com', age: 3, sure: true } } satisfies ElicitResult,
  },
  {
    definition: 'ElicitResult',
    since: '2025-11-25',
    value: { action: 'accept', content: { several: ['s'] } } satisfies ElicitResult,
  },
  {
    definition: 'InputRequiredResult',
    value: {
      ...complete,
      resultType: 'input_required',
      requestState: 'sealed',
      inputRequests: {
        a: { method: 'elicitation/create', params: form },
        b: { method: 'elicitation/create', params: { mode: 'url', message: 'Go', url: 'https://example.com/' } },
        c: { method: 'sampling/createMessage', params: sampling },
        d: { method: 'roots/list', params: { _meta: meta } },
      },
    } satisfies InputRequiredResult,
  },
]

/** Results, by definition. */
export const RESULT_FIXTURES: readonly Fixture[] = result

type Params<Requests> = {
  readonly [Method in keyof Requests]: Requests[Method] extends { params: infer P } ? readonly P[] : never
}

/** Parameters of every request of a client; the families add what belongs into `_meta`. */
export const CLIENT_REQUEST_FIXTURES: Params<ClientRequests> = {
  initialize: [{ protocolVersion: '2025-11-25', capabilities: clientCapabilities, clientInfo: implementation }],
  ping: [{}],
  'server/discover': [{}],
  'tools/list': [{}, { cursor: 'n' }],
  'tools/call': [
    { name: 'search', arguments: { query: 'otter', nested: { a: [1] } } },
    {
      name: 'search',
      requestState: 'sealed',
      inputResponses: {
        a: { action: 'decline' },
        b: { roots: [] },
        c: { role: 'assistant', content: textContent, model: 'small' },
      },
    },
  ],
  'resources/list': [{ cursor: 'n' }],
  'resources/templates/list': [{ cursor: 'n' }],
  'resources/read': [{ uri: 'file:///otter.txt' }],
  'resources/subscribe': [{ uri: 'file:///otter.txt' }],
  'resources/unsubscribe': [{ uri: 'file:///otter.txt' }],
  'prompts/list': [{ cursor: 'n' }],
  'prompts/get': [{ name: 'greet', arguments: { who: 'otter' } }],
  'completion/complete': [
    {
      ref: { type: 'ref/prompt', name: 'greet', title: 'Greet' },
      argument: { name: 'who', value: 'o' },
      context: { arguments: { how: 'well' } },
    },
    { ref: { type: 'ref/resource', uri: 'file:///{name}' }, argument: { name: 'name', value: 'o' } },
  ],
  'logging/setLevel': [{ level: 'notice' }],
  'subscriptions/listen': [
    {
      notifications: {
        toolsListChanged: true,
        promptsListChanged: true,
        resourcesListChanged: true,
        resourceSubscriptions: ['file:///otter.txt'],
      },
    },
  ],
}

/** Parameters of every request of a server. */
export const SERVER_REQUEST_FIXTURES: Params<ServerRequests> = {
  ping: [{}],
  'roots/list': [{ _meta: meta }],
  'sampling/createMessage': [sampling],
  'elicitation/create': [form],
}

/** Requests of a server that only the last handshake revision allows. */
export const LATE_SERVER_REQUEST_FIXTURES: Pick<Params<ServerRequests>, 'elicitation/create'> = {
  'elicitation/create': [
    { message: 'Choose', requestedSchema: { type: 'object', properties: choices } },
    { mode: 'url', message: 'Go', url: 'https://example.com/', elicitationId: '1' },
  ],
}

/** Parameters of every notification of a client. */
export const CLIENT_NOTIFICATION_FIXTURES: {
  readonly [Method in keyof ClientNotifications]: ClientNotifications[Method]
} = {
  'notifications/initialized': { _meta: meta },
  'notifications/cancelled': { requestId: 7, reason: 'Enough', _meta: meta },
  'notifications/progress': { progressToken: 'p', progress: 1, total: 2, message: 'Half', _meta: meta },
  'notifications/roots/list_changed': { _meta: meta },
}

/** Parameters of every notification of a server. */
export const SERVER_NOTIFICATION_FIXTURES: {
  readonly [Method in keyof ServerNotifications]: ServerNotifications[Method]
} = {
  'notifications/cancelled': { requestId: 'x', reason: 'Enough', _meta: meta },
  'notifications/progress': { progressToken: 7, progress: 0.5, total: 1.5, message: 'Half', _meta: meta },
  'notifications/message': { level: 'warning', logger: 'otters', data: { any: [1] }, _meta: meta },
  'notifications/tools/list_changed': { _meta: { 'io.modelcontextprotocol/subscriptionId': 1 } },
  'notifications/prompts/list_changed': { _meta: meta },
  'notifications/resources/list_changed': { _meta: meta },
  'notifications/resources/updated': { uri: 'file:///otter.txt', _meta: meta },
  'notifications/elicitation/complete': { elicitationId: '1' },
  'notifications/subscriptions/acknowledged': { notifications: { toolsListChanged: true }, _meta: meta },
}

/** The client that the stateless fixtures come from. */
export const CLIENT: { readonly capabilities: ClientCapabilities; readonly clientInfo: Implementation } = {
  capabilities: clientCapabilities,
  clientInfo: implementation,
}
