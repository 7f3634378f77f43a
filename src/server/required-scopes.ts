import { RpcError } from '../jsonrpc/errors.ts'
import { isObject } from '../jsonrpc/message.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import type { AuthInfo, RequiredScopes } from './auth-info.ts'
import type { ServerCall } from './call.ts'
import { findPrompt, findTool, lookUpResource, type Registries } from './registries.ts'
import { MAX_SUBSCRIBED_RESOURCES } from './subscriptions.ts'

/**
 * The scopes that an operation needs, all of them; none for one that is not understood, which fails later anyway. What an author's function throws
 * is thrown: it must not pass for needing nothing.
 *
 * @param method of the request; every method that reads or runs something that was registered is known here
 * @throws {TypeError} an author's function gave something else than a list of scopes
 */
export async function scopesOf(
  registries: Registries,
  method: string,
  params: WireObject,
  auth: AuthInfo | undefined,
): Promise<readonly string[]> {
  switch (method) {
    case 'tools/call': {
      const tool = await ifUnderstood(() => findTool(registries, params))
      if (typeof tool?.scopes !== 'function') return tool?.scopes ?? []
      const args = await ifUnderstood(() => tool.readArguments(params))
      return args === undefined ? [] : given(tool.scopes, args, auth)
    }
    case 'prompts/get': {
      const prompt = await ifUnderstood(() => findPrompt(registries, params))
      if (typeof prompt?.scopes !== 'function') return prompt?.scopes ?? []
      const args = await ifUnderstood(() => prompt.readArguments(params))
      return args === undefined ? [] : given(prompt.scopes, args, auth)
    }
    case 'resources/read':
    case 'resources/subscribe':
      return resourceScopes(registries, params['uri'], auth)
    case 'subscriptions/listen': {
      const { notifications } = params
      const wished = isObject(notifications) ? notifications['resourceSubscriptions'] : undefined
      // A list that is longer is refused.
      const uris = Array.isArray(wished) ? wished.slice(0, MAX_SUBSCRIBED_RESOURCES) : []
      return [...new Set(uris.flatMap(uri => resourceScopes(registries, uri, auth)))]
    }
    case 'completion/complete':
      return completionScopes(registries, params['ref'])
    default:
      return []
  }
}

/**
 * Whether whoever subscribed may hear of a resource: what lies beneath a subscribed URI may need more than that does. Never throws: `report` hears
 * of what an author's function throws.
 */
export function mayHear(
  registries: Registries,
  uri: string,
  { holds, auth }: Pick<ServerCall, 'holds' | 'auth'>,
  report: (error: unknown) => void,
): boolean {
  if (!holds) return true
  try {
    return holds(resourceScopes(registries, uri, auth))
  } catch (error) {
    report(error)
    return false
  }
}

/** Every scope that something shown names, where it does not decide by what is asked for. */
export function declaredScopes({ tools, resources, templates, prompts }: Registries): readonly string[] {
  const all = [tools, resources, templates, prompts].flatMap(({ entries }) =>
    entries.flatMap(({ scopes }) => (typeof scopes === 'function' ? [] : (scopes ?? []))),
  )
  return [...new Set(all)]
}

/** Whether a list may show something: what decides by the arguments is shown to all. */
export function isShown(scopes: RequiredScopes<never> | undefined, holds: ServerCall['holds']): boolean {
  return holds === undefined || scopes === undefined || typeof scopes === 'function' || holds(scopes)
}

/**
 * Whether what a family of resources lists may be told: names are often worth as much as contents, and are only for those who may read them.
 * `uri`: of one that it lists; without, whether it may be asked for any.
 *
 * @throws {TypeError} an author's function gave something else than a list of scopes
 */
export function mayList(
  scopes: RequiredScopes<string> | undefined,
  { holds, auth }: Pick<ServerCall, 'holds' | 'auth'>,
  uri?: string,
): boolean {
  if (holds === undefined || scopes === undefined) return true
  if (typeof scopes !== 'function') return holds(scopes)
  return uri === undefined || holds(given(scopes, uri, auth))
}

/** @throws {TypeError} what an author gave as `scopes` is neither a list of them nor a function */
export function assertScopes(scopes: unknown, what: string): void {
  if (scopes === undefined || typeof scopes === 'function' || isListOfScopes(scopes)) return
  throw new TypeError(
    `scopes of ${what} should be a list of scopes, such as ['files:read'], or a function that gives one`,
  )
}

/** What completes a name tells about what bears it. Scopes that decide by what is asked for cannot say yet. */
function completionScopes({ prompts, templates }: Registries, ref: unknown): readonly string[] {
  const { type, name, uri } = isObject(ref) ? ref : {}
  const isPrompt = type === 'ref/prompt'
  const key = isPrompt ? name : uri
  const found = typeof key === 'string' ? (isPrompt ? prompts : templates).get(key) : undefined
  return found === undefined || typeof found.scopes === 'function' ? [] : (found.scopes ?? [])
}

function resourceScopes(registries: Registries, uri: unknown, auth: AuthInfo | undefined): readonly string[] {
  const found = typeof uri === 'string' ? lookUpResource(registries, uri) : undefined
  const scopes = found?.resource.scopes
  // A handler is given the variables decoded: `%70rivate` must not be anything else than `private` for who decides.
  return typeof scopes === 'function' ? given(scopes, found?.canonicalUri, auth) : (scopes ?? [])
}

function given(
  scopes: Extract<RequiredScopes<never>, (...args: never) => unknown>,
  input: unknown,
  auth: AuthInfo | undefined,
): readonly string[] {
  const list: unknown = scopes(input as never, auth)
  if (isListOfScopes(list)) return list
  throw new TypeError('A scopes function should give, at once, a list of scopes')
}

function isListOfScopes(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(scope => typeof scope === 'string')
}

/** Undefined for what the request names or says wrongly. */
async function ifUnderstood<Value>(read: () => Value | Promise<Value>): Promise<Value | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof RpcError) return undefined
    throw error
  }
}
