import { INTERNAL_ERROR, METHOD_NOT_FOUND, RpcError } from '../jsonrpc/errors.ts'
import { isObject } from '../jsonrpc/message.ts'
import type { ServerCapabilities } from '../protocol/capabilities.ts'
import type { Implementation } from '../protocol/implementation.ts'
import { CLIENT_REQUEST_FAMILIES } from '../protocol/methods.ts'
import { familyHas, type WireObject } from '../protocol/revisions/family.ts'
import { createAnswers } from './answers.ts'
import type { Asks } from './asks.ts'
import { assertCacheHint, cacheHintOf } from './cache-hint.ts'
import type { ServerCall } from './call.ts'
import { createChanges } from './changes.ts'
import { encodeResult, type ResultHints } from './encode-result.ts'
import { SUPPORTED_REVISIONS } from './incoming.ts'
import { missingCapability } from './errors.ts'
import { declaresExtension, type Extension, type MethodHandler } from './extension.ts'
import { assertFunction, assertOptions, type OptionNames } from './given-options.ts'
import { runMiddleware, type ServerMiddleware } from './middleware.ts'
import { createPrompt, type PromptHandler, type PromptOptions } from './prompt.ts'
import type { Registries } from './registries.ts'
import { createRegistry, type Registration } from './registry.ts'
import { declaredScopes, mayHear, scopesOf } from './required-scopes.ts'
import {
  createResource,
  createResourceTemplate,
  type ResourceHandler,
  type ResourceTemplateHandler,
} from './resource.ts'
import type { SchemaInput } from './schema.ts'
import { createSealedStates } from './sealed-state.ts'
import { createListen } from './subscriptions.ts'
import type { TaskRunner } from './task-runner.ts'
import { createTool, type ToolHandler, type ToolOptions } from './tool.ts'
import type { ErrorOrigin, Server, ServerInternals, ServerOptions } from './server.ts'

const OPTIONS: OptionNames<ServerOptions> = {
  name: true,
  version: true,
  title: true,
  description: true,
  websiteUrl: true,
  icons: true,
  instructions: true,
  onError: true,
  middleware: true,
  extensions: true,
  pageSize: true,
  cache: true,
  stateKey: true,
  stateLifetimeMs: true,
  claimState: true,
  capabilities: true,
  maxSubscriptions: true,
  now: true,
}

/**
 * Makes a server. Serve it with `createApp` (web-standard), `serve` and `toNodeHandler` of `latchkey/node`, or `serveStdio` of `latchkey/stdio`.
 *
 * @throws {TypeError} an option that does not exist, or cannot be used
 * @throws {RangeError} a page size that is no positive whole number
 */
export function createServer(options: ServerOptions): Server {
  assertOptions('createServer', options, OPTIONS)
  const {
    instructions,
    onError = printError,
    middleware = [],
    extensions = [],
    pageSize = 1000,
    now = Date.now,
  } = options
  assertParts(extensions, middleware)
  if (!Number.isSafeInteger(pageSize) || pageSize < 1)
    throw new RangeError(`pageSize is ${pageSize}; it should be a positive whole number`)
  assertCacheHint(options.cache, 'createServer')
  const info = infoOf(options)
  const hints: ResultHints = {
    serverInfo: info,
    cache: cacheHintOf({ ...options.cache }, { ttlMs: 0, cacheScope: 'private' }),
  }
  const changes = createChanges()
  const closing = new AbortController()
  const tell = (kind: 'tools' | 'prompts' | 'resources') => (): void => changes.publish({ kind })
  const registries: Registries = {
    tools: createRegistry('tool', tell('tools')),
    resources: createRegistry('resource', tell('resources')),
    templates: createRegistry('resource template', tell('resources')),
    prompts: createRegistry('prompt', tell('prompts')),
  }
  const methods = createRegistry<MethodHandler>('method', () => undefined)
  const offered = { tools: false, resources: false, prompts: false, completions: false }
  const states = createSealedStates({
    ...(options.stateKey && { key: options.stateKey }),
    ...(options.stateLifetimeMs !== undefined && { lifetimeMs: options.stateLifetimeMs }),
    ...(options.claimState && { claim: options.claimState }),
    now,
  })

  const report: ServerInternals['report'] = (error, origin) => {
    try {
      onError(error, origin)
    } catch {
      // There is nobody left to tell.
    }
  }
  let known: ServerCapabilities | undefined
  /** What was registered says what is offered; what could not be registered says nothing. */
  const offering = (what: readonly (keyof typeof offered)[], registration: Registration): Registration => {
    for (const each of what) offered[each] = true
    known = undefined
    return registration
  }
  const describe = (): ServerCapabilities => {
    const added = Object.fromEntries(extensions.map(({ id, settings = {} }) => [id, settings]))
    return {
      logging: {},
      ...(offered.tools && { tools: { listChanged: true } }),
      ...(offered.resources && { resources: { subscribe: true, listChanged: true } }),
      ...(offered.prompts && { prompts: { listChanged: true } }),
      ...(offered.completions && { completions: {} }),
      ...Object.assign({}, ...extensions.map(extension => extension.capabilities ?? {})),
      ...options.capabilities,
      ...(extensions.length > 0 && { extensions: { ...added, ...options.capabilities?.extensions } }),
    }
  }
  // Every request asks for it, and it hardly ever changes.
  const capabilities = (): ServerCapabilities => (known ??= describe())

  const listen = createListen({
    changes,
    mayHear: (uri, call) => mayHear(registries, uri, call, error => report(error, { request: call.request })),
    closing: closing.signal,
    maxSubscriptions: options.maxSubscriptions ?? 10_000,
    extensions: extensions.flatMap(extension => extension.listen ?? []),
    now,
    honour: filter => {
      const { tools, prompts, resources } = capabilities()
      return {
        ...(filter.toolsListChanged && tools?.listChanged && { toolsListChanged: true }),
        ...(filter.promptsListChanged && prompts?.listChanged && { promptsListChanged: true }),
        ...(filter.resourcesListChanged && resources?.listChanged && { resourcesListChanged: true }),
        ...(filter.resourceSubscriptions &&
          resources?.subscribe && { resourceSubscriptions: filter.resourceSubscriptions }),
      }
    },
  })
  const discover = (): WireObject => ({
    supportedVersions: SUPPORTED_REVISIONS,
    capabilities: capabilities(),
    ...(instructions !== undefined && { instructions }),
  })
  const answers: Readonly<Record<string, MethodHandler>> = {
    ...createAnswers(registries, { pageSize, report: error => report(error, {}) }),
    'server/discover': discover,
    'subscriptions/listen': listen,
  }

  const findExtension = (method: string): Extension | undefined =>
    extensions.find(({ methods: own }) => own !== undefined && Object.hasOwn(own, method))
  const find = (call: ServerCall): MethodHandler | undefined => {
    const { method, client } = call
    const extension = findExtension(method)
    if (extension) {
      if (extension.mustBeDeclared && !declaresExtension(call, extension.id))
        throw missingCapability(
          { extensions: { [extension.id]: {} } },
          `${method} belongs to the extension ${extension.id}`,
        )
      return extension.methods?.[method]
    }
    const own = methods.get(method)
    if (own) return own
    if (!Object.hasOwn(answers, method) || !familyHas(client.features.family, CLIENT_REQUEST_FAMILIES, method))
      return undefined
    return isOffered(method, capabilities()) ? answers[method] : undefined
  }
  const run = async (call: ServerCall): Promise<WireObject> => {
    const handler = find(call)
    if (!handler) throw new RpcError(METHOD_NOT_FOUND, `Method not found: ${call.method}`)
    return handler(call)
  }

  const server: Server = {
    tool: (name, toolOptions, handler) => {
      const surroundings = {
        states,
        findTasks: () =>
          extensions.find((each): each is Extension & { readonly tasks: TaskRunner } => each.tasks !== undefined),
        report: (error: unknown, call: ServerCall) => report(error, { request: call.request }),
      }
      const tool = createTool(
        name,
        toolOptions as ToolOptions,
        handler as ToolHandler<SchemaInput, unknown, Asks>,
        surroundings,
      )
      return offering(['tools'], registries.tools.add(name, tool))
    },
    resource: (uri, resourceOptions, handler) => {
      const made = createResource(uri, resourceOptions, handler as ResourceHandler<Asks>, states)
      return offering(['resources'], registries.resources.add(uri, made))
    },
    resourceTemplate: (template, templateOptions, handler) => {
      const made = createResourceTemplate(template, templateOptions, handler as ResourceTemplateHandler<Asks>, states)
      const completes = Object.keys(made.complete).length > 0
      return offering(
        completes ? ['resources', 'completions'] : ['resources'],
        registries.templates.add(template, made),
      )
    },
    prompt: (name, promptOptions, handler) => {
      type AnyHandler = PromptHandler<Readonly<Record<string, unknown>>, Asks>
      const made = createPrompt(
        name,
        promptOptions as unknown as PromptOptions,
        handler as unknown as AnyHandler,
        states,
      )
      const completes = Object.values(made.complete).some(complete => complete !== undefined)
      return offering(completes ? ['prompts', 'completions'] : ['prompts'], registries.prompts.add(name, made))
    },
    method: (name, handler) => {
      if (Object.hasOwn(answers, name) || Object.hasOwn(CLIENT_REQUEST_FAMILIES, name))
        throw new TypeError(`${name} is a method of the protocol`)
      if (name === '' || name.startsWith('rpc.'))
        throw new TypeError(
          `A method cannot be named ${JSON.stringify(name)}: JSON-RPC keeps names that start with rpc. (§4.3)`,
        )
      return methods.add(name, handler)
    },
    resourceUpdated: uri => changes.publish({ kind: 'resource', uri }),
    close: async () => {
      closing.abort(new RpcError(INTERNAL_ERROR, 'The server is closing'))
      const closed = await Promise.allSettled(extensions.map(async extension => extension.close?.()))
      for (const outcome of closed) if (outcome.status === 'rejected') report(outcome.reason, {})
    },
    internals: {
      info,
      instructions,
      changes,
      closing: closing.signal,
      capabilities,
      // Also what a middleware answers by itself is put into the words of the revision.
      answer: async call =>
        encodeResult(call.method, await runMiddleware(middleware, call, run), call.client.features, hints),
      scopesOf: async (method, params, auth) => {
        const added = await findExtension(method)?.scopesOf?.(method, params, auth)
        return [...(await scopesOf(registries, method, params, auth)), ...(added ?? [])]
      },
      mayHear: (uri, caller) => mayHear(registries, uri, caller, error => report(error, {})),
      declaredScopes: () => declaredScopes(registries),
      findTool: name => registries.tools.get(name),
      nameParameterOf: method => {
        for (const { nameParameters } of extensions)
          if (nameParameters && Object.hasOwn(nameParameters, method)) return nameParameters[method]
        return undefined
      },
      report,
    },
  }
  for (const extension of extensions) extension.install?.(server)
  return server
}

function assertParts(extensions: readonly Extension[], middleware: readonly ServerMiddleware[]): void {
  if (!Array.isArray(extensions) || !extensions.every(each => isObject(each) && typeof each['id'] === 'string'))
    throw new TypeError('extensions should be a list of extensions, such as [tasks(), skills(source)]')
  if (!Array.isArray(middleware)) throw new TypeError('middleware should be a list of functions')
  for (const each of middleware) assertFunction('Each middleware', each)
}

function infoOf({ name, version, title, description, websiteUrl, icons }: ServerOptions): Implementation {
  if (!name || !version) throw new TypeError('A server should have a name and a version')
  return {
    name,
    version,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(websiteUrl !== undefined && { websiteUrl }),
    ...(icons && { icons }),
  }
}

/** Which capability a method belongs to; a server without it does not have the method. */
function isOffered(method: string, capabilities: ServerCapabilities): boolean {
  if (method.startsWith('tools/')) return capabilities.tools !== undefined
  if (method.startsWith('prompts/')) return capabilities.prompts !== undefined
  if (method.startsWith('resources/')) return capabilities.resources !== undefined
  if (method.startsWith('completion/')) return capabilities.completions !== undefined
  return true
}

/**
 * What happens where nobody gave `onError`: what a handler did wrong is on stderr, since its author sees nothing of it otherwise. What only the world
 * does wrong (a bad token, a lost connection) is not: anybody could fill a log with it.
 */
function printError(error: unknown, origin: ErrorOrigin): void {
  if ('request' in origin)
    console.error(`latchkey: ${JSON.stringify(origin.request.method.slice(0, 80))} failed:`, error)
}
