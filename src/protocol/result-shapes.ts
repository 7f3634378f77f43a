import { isObject } from '../jsonrpc/message.ts'
import type { ServerCapabilities } from './capabilities.ts'
import type { CompleteResult } from './completion.ts'
import {
  annotations,
  contentBlock,
  icons,
  metaObject,
  RESOURCE_DECORATION,
  resourceContents,
  role,
} from './content-shapes.ts'
import type { DiscoverResult } from './discover.ts'
import type { Implementation } from './implementation.ts'
import type { InitializeResult } from './initialize.ts'
import type { JSONObject } from './json.ts'
import type { EmptyResult } from './message.ts'
import type { ClientRequestMethod, ClientRequests } from './methods.ts'
import type { GetPromptResult, ListPromptsResult, Prompt, PromptArgument, PromptMessage } from './prompts.ts'
import type {
  ListResourcesResult,
  ListResourceTemplatesResult,
  ReadResourceResult,
  Resource,
  ResourceTemplate,
} from './resources.ts'
import { anyObject, boolean, list, number, object, oneOf, readShape, string } from './shape.ts'
import type { MemberShapes, Shape, ShapeVerdict } from './shape.ts'
import type { CallToolResult, ListToolsResult, Tool, ToolAnnotations, ToolExecution } from './tools.ts'

const display = { title: string, description: string, icons, _meta: metaObject }

/** A program's name and version. */
export const implementation: Shape<Implementation> = object<Implementation>(
  { name: string, version: string },
  {},
  { title: string, description: string, icons, websiteUrl: string },
)

/** A capability; some servers say `true` for one without settings. */
function capability<Value extends object>(members: MemberShapes<Value> = {}): Shape<Value> {
  const shape = object<Value>({}, {}, members)
  return value => shape(value === true ? {} : value)
}

const listChanged = { listChanged: boolean }

/** What a server can do; a capability that cannot be read counts as not declared. */
export const serverCapabilities: Shape<ServerCapabilities> = object<ServerCapabilities>(
  {},
  {},
  {
    experimental: anyObject(),
    logging: capability<JSONObject>(),
    completions: capability<JSONObject>(),
    prompts: capability(listChanged),
    resources: capability({ ...listChanged, subscribe: boolean }),
    tools: capability(listChanged),
    extensions: anyObject(),
  },
)

const caching = { ttlMs: number, cacheScope: oneOf('public', 'private'), _meta: metaObject } as const
const page = { nextCursor: string }

/** A tool. */
export const tool: Shape<Tool> = object<Tool>(
  { name: string, inputSchema: anyObject<Tool['inputSchema']>() },
  { outputSchema: anyObject<NonNullable<Tool['outputSchema']>>() },
  {
    ...display,
    annotations: object<ToolAnnotations>(
      {},
      {},
      {
        title: string,
        readOnlyHint: boolean,
        destructiveHint: boolean,
        idempotentHint: boolean,
        openWorldHint: boolean,
      },
    ),
    execution: object<ToolExecution>({}, {}, { taskSupport: oneOf('forbidden', 'optional', 'required') }),
  },
)

const prompt = object<Prompt>(
  { name: string },
  {
    arguments: list(
      object<PromptArgument>({ name: string }, { required: boolean }, { title: string, description: string }),
    ),
  },
  display,
)

const callToolMembers = object<CallToolResult>(
  { content: list(contentBlock) },
  { isError: boolean },
  { _meta: metaObject },
)

/** Some servers leave `content` out when they answer with `structuredContent`. */
const callToolResult: Shape<CallToolResult> = value =>
  callToolMembers(
    isObject(value) && value['content'] === undefined && value['structuredContent'] !== undefined
      ? { ...value, content: [] }
      : value,
  )

const emptyResult = object<EmptyResult>({}, {}, { _meta: metaObject })

/** What the results of client requests look like, by method. */
export const RESULT_SHAPES: { readonly [Method in ClientRequestMethod]: Shape<ClientRequests[Method]['result']> } = {
  initialize: object<InitializeResult>(
    { protocolVersion: string, capabilities: serverCapabilities, serverInfo: implementation },
    {},
    { instructions: string, _meta: metaObject },
  ),
  ping: emptyResult,
  'server/discover': object<DiscoverResult>(
    { supportedVersions: list(string), capabilities: serverCapabilities },
    {},
    { instructions: string, ...caching },
  ),
  'tools/list': object<ListToolsResult>({ tools: list(tool) }, page, caching),
  'tools/call': callToolResult,
  'resources/list': object<ListResourcesResult>(
    { resources: list(object<Resource>({ uri: string, name: string }, {}, RESOURCE_DECORATION)) },
    page,
    caching,
  ),
  'resources/templates/list': object<ListResourceTemplatesResult>(
    {
      resourceTemplates: list(
        object<ResourceTemplate>(
          { uriTemplate: string, name: string },
          {},
          { ...display, mimeType: string, annotations },
        ),
      ),
    },
    page,
    caching,
  ),
  'resources/read': object<ReadResourceResult>({ contents: list(resourceContents) }, {}, caching),
  'resources/subscribe': emptyResult,
  'resources/unsubscribe': emptyResult,
  'prompts/list': object<ListPromptsResult>({ prompts: list(prompt) }, page, caching),
  'prompts/get': object<GetPromptResult>(
    { messages: list(object<PromptMessage>({ role, content: contentBlock })) },
    {},
    { description: string, _meta: metaObject },
  ),
  'completion/complete': object<CompleteResult>(
    {
      completion: object<CompleteResult['completion']>(
        { values: list(string) },
        {},
        { total: number, hasMore: boolean },
      ),
    },
    {},
    { _meta: metaObject },
  ),
  'logging/setLevel': emptyResult,
  'subscriptions/listen': emptyResult,
}

/** The result of a client request; of a method the protocol does not know, any object. */
export type ClientResult<Method extends string> = Method extends ClientRequestMethod
  ? ClientRequests[Method]['result']
  : Readonly<Record<string, unknown>>

/**
 * Reads a complete result. Lenient: only what a caller relies on must fit; unknown members are kept, null optional members and
 * unreadable decorations (titles, descriptions, icons, hints) are dropped, null lists are empty. Never throws.
 */
export function readResult<Method extends string>(method: Method, result: unknown): ShapeVerdict<ClientResult<Method>> {
  const shape: Shape<unknown> = isClientRequestMethod(method) ? RESULT_SHAPES[method] : anyObject()
  return readShape(shape as Shape<ClientResult<Method>>, result, 'result')
}

function isClientRequestMethod(method: string): method is ClientRequestMethod {
  return Object.hasOwn(RESULT_SHAPES, method)
}
