import { INTERNAL_ERROR, RpcError } from '../jsonrpc/errors.ts'
import { isObject } from '../jsonrpc/message.ts'
import type { Annotations } from '../protocol/content.ts'
import type { Icon } from '../protocol/implementation.ts'
import type { MetaObject } from '../protocol/meta.ts'
import type {
  BlobResourceContents,
  ReadResourceResult,
  Resource,
  ResourceTemplate,
  TextResourceContents,
} from '../protocol/resources.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import type { Answers, Asks, NeedInput } from './asks.ts'
import type { RequiredScopes } from './auth-info.ts'
import { assertCacheHint, type CacheHint } from './cache-hint.ts'
import type { ServerCall } from './call.ts'
import type { Complete } from './completion.ts'
import { toBase64 } from './content.ts'
import { type AskingContext, createAskingContext, createContext, type RequestContext } from './context.ts'
import { asComplete } from './encode-result.ts'
import { assertFunction, assertOptions, type OptionNames } from './given-options.ts'
import { isInputRequired } from './outcome.ts'
import { assertScopes } from './required-scopes.ts'
import type { AsksContext } from './round.ts'
import { runWithAnswers } from './rounds.ts'
import type { SealedStates } from './sealed-state.ts'
import type { TemplateVariables } from './template-variables.ts'
import { parseUriTemplate, type UriTemplate } from './uri-template.ts'

interface ResourceDescription {
  /** For programs. Default: the URI. */
  readonly name?: string
  readonly title?: string
  readonly description?: string
  /** Of its contents, also where the handler does not say. */
  readonly mimeType?: string
  readonly annotations?: Annotations
  readonly icons?: readonly Icon[]
  readonly _meta?: MetaObject
  /** How long and for whom what was read may be kept. Default: the server's. */
  readonly cache?: CacheHint
}

/** What a resource is, besides its URI and its handler. */
export interface ResourceOptions<Questions extends Asks = Asks> extends ResourceDescription {
  /** Bytes, when they are known. */
  readonly size?: number
  /** Scopes that a reader must hold, all of them; `protect` enforces them. */
  readonly scopes?: RequiredScopes<string>
  /** What to ask before the handler runs, as for tools. */
  readonly asks?: (uri: string, context: AsksContext) => Questions | undefined
}

/** What a family of resources is, besides its template and its handler. */
export interface ResourceTemplateOptions<Questions extends Asks = Asks> extends ResourceDescription {
  /**
   * Scopes that a reader must hold, all of them; `protect` enforces them. A function gets the URI as the template writes it with the variables that the
   * handler gets, however the client has spelled it. What `list` gives is only for those who hold them.
   */
  readonly scopes?: RequiredScopes<string>
  /** Resources of the family that `resources/list` shows; as many as there are, in a stable order. Default: none. */
  readonly list?: (ctx: RequestContext) => readonly Resource[] | Promise<readonly Resource[]>
  /** Completes variables, by name. */
  readonly complete?: Readonly<Record<string, Complete>>
  /** What to ask before the handler runs, as for tools. */
  readonly asks?: (uri: string, context: AsksContext) => Questions | undefined
}

type Promised<Value> = Value | Promise<Value>

/** What a handler may return: text, bytes, or everything. `undefined`: there is no such resource. */
export type ResourceReturn =
  | string
  | Uint8Array
  | ReadResourceResult
  | TextResourceContents
  | BlobResourceContents
  | undefined

/** Reads one resource. */
export type ResourceHandler<Questions extends Asks> = (
  uri: string,
  ctx: AskingContext<Answers<Questions>>,
) => Promised<ResourceReturn | NeedInput>

/** Reads one resource of a family. */
export type ResourceTemplateHandler<Questions extends Asks, Template extends string = string> = (
  variables: TemplateVariables<Template>,
  ctx: AskingContext<Answers<Questions>> & { readonly uri: string },
) => Promised<ResourceReturn | NeedInput>

/** A resource or family of resources, ready to be listed and read. */
export interface RegisteredResource {
  readonly scopes: RequiredScopes<string> | undefined
  /** Undefined when the handler says that there is no such resource. */
  read(call: ServerCall, uri: string, variables: TemplateVariables): Promise<WireObject | undefined>
}

/** One resource. */
export interface FixedResource extends RegisteredResource {
  readonly listing: Resource
}

/** A family of resources. */
export interface TemplatedResource extends RegisteredResource {
  readonly listing: ResourceTemplate
  readonly template: UriTemplate
  readonly complete: Readonly<Record<string, Complete>>
  /** Those of the family that lists show. */
  list(call: ServerCall): Promise<readonly Resource[]>
}

const DESCRIPTION_OPTIONS: OptionNames<ResourceDescription> = {
  name: true,
  title: true,
  description: true,
  mimeType: true,
  annotations: true,
  icons: true,
  _meta: true,
  cache: true,
}
const RESOURCE_OPTIONS: OptionNames<ResourceOptions> = { ...DESCRIPTION_OPTIONS, size: true, scopes: true, asks: true }
const TEMPLATE_OPTIONS: OptionNames<ResourceTemplateOptions> = {
  ...DESCRIPTION_OPTIONS,
  scopes: true,
  list: true,
  complete: true,
  asks: true,
}

/** Makes a resource of what its author gave. @throws {TypeError} the URI is none, or an option does not exist */
export function createResource(
  uri: string,
  options: ResourceOptions,
  handler: ResourceHandler<Asks>,
  states: SealedStates,
): FixedResource {
  if (!/^[a-z][a-z0-9+.-]*:/i.test(uri))
    throw new TypeError(`The resource URI ${JSON.stringify(uri)} should begin with a scheme, such as file: or notes:`)
  if (/[{}]/.test(uri))
    throw new TypeError(`The resource URI ${JSON.stringify(uri)} has braces: register a template with resourceTemplate`)
  assertGiven(`the resource ${uri}`, options, handler, RESOURCE_OPTIONS)
  const { size } = options
  return {
    listing: { uri, ...describe(uri, options), ...(size !== undefined && { size }) },
    scopes: options.scopes,
    read: (call, asked) => readWith(call, states, asked, options, ctx => handler(asked, ctx)),
  }
}

/** Makes a family of resources of what its author gave. @throws {TypeError} the template is malformed, or completes a variable that it has not */
export function createResourceTemplate(
  uriTemplate: string,
  options: ResourceTemplateOptions,
  handler: ResourceTemplateHandler<Asks>,
  states: SealedStates,
): TemplatedResource {
  const template = parseUriTemplate(uriTemplate)
  assertGiven(`the template ${uriTemplate}`, options, handler, TEMPLATE_OPTIONS)
  const { complete = {}, list, scopes } = options
  for (const name of Object.keys(complete)) {
    if (!template.variables.includes(name))
      throw new TypeError(`The template ${uriTemplate} has no variable ${JSON.stringify(name)} to complete`)
  }
  return {
    template,
    complete,
    scopes,
    listing: { uriTemplate, ...describe(uriTemplate, options) },
    list: async call => (await list?.(createContext(call))) ?? [],
    read: (call, uri, variables) =>
      readWith(call, states, uri, options, ctx => handler(variables, Object.assign(ctx, { uri }))),
  }
}

function assertGiven<Options extends ResourceOptions | ResourceTemplateOptions>(
  what: string,
  options: Options,
  handler: unknown,
  names: OptionNames<Options>,
): void {
  assertOptions(what, options, names)
  assertFunction(`The handler of ${what}, its third argument,`, handler)
  assertScopes(options.scopes, what)
  assertCacheHint(options.cache, what)
  if (options.asks !== undefined) assertFunction(`asks of ${what}`, options.asks)
}

function describe(
  fallback: string,
  { name = fallback, title, description, mimeType, annotations, icons, _meta }: ResourceDescription,
): Omit<Resource, 'uri'> {
  return {
    name,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(mimeType !== undefined && { mimeType }),
    ...(annotations && { annotations }),
    ...(icons && { icons }),
    ...(_meta && { _meta }),
  }
}

async function readWith(
  call: ServerCall,
  states: SealedStates,
  uri: string,
  options: ResourceOptions,
  handle: (ctx: AskingContext<Answers<Asks>>) => unknown,
): Promise<WireObject | undefined> {
  const { asks, mimeType, scopes } = options
  // Whatever the server's hint says: what needs scopes is not for a cache to show to those who lack them.
  const cache = { ...(scopes !== undefined && { cacheScope: 'private' }), ...options.cache }
  const outcome = await runWithAnswers(call, states, asks && (context => asks(uri, context)), async (answers, state) =>
    handle(createAskingContext(call, answers, state)),
  )
  if (isInputRequired(outcome)) return outcome.result
  if (outcome === undefined || outcome === null) return undefined
  return { ...cache, ...toReadResult(uri, outcome, mimeType) }
}

function toReadResult(uri: string, value: unknown, mimeType: string | undefined): WireObject {
  const type = mimeType === undefined ? {} : { mimeType }
  if (typeof value === 'string') return { contents: [{ uri, ...type, text: value }] }
  if (value instanceof Uint8Array) return { contents: [{ uri, ...type, blob: toBase64(value) }] }
  if (isObject(value) && Array.isArray(value['contents'])) return asComplete(value)
  if (isObject(value) && (typeof value['text'] === 'string' || typeof value['blob'] === 'string'))
    return { contents: [{ uri, ...type, ...value }] }
  throw new RpcError(INTERNAL_ERROR, 'The resource could not be read', {
    cause: new TypeError(`The handler of ${JSON.stringify(uri)} should return text, a Uint8Array, or { contents }`),
  })
}
