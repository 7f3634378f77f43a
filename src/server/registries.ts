import { INVALID_PARAMS, RpcError } from '../jsonrpc/errors.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import type { AuthInfo, RequiredScopes } from './auth-info.ts'
import { ResourceNotFoundError } from './errors.ts'
import type { RegisteredPrompt } from './prompt.ts'
import type { Registry } from './registry.ts'
import type { FixedResource, RegisteredResource, TemplatedResource, TemplateVariables } from './resource.ts'
import type { RegisteredTool } from './tool.ts'

/** Everything that was registered. */
export interface Registries {
  readonly tools: Registry<RegisteredTool>
  readonly resources: Registry<FixedResource>
  readonly templates: Registry<TemplatedResource>
  readonly prompts: Registry<RegisteredPrompt>
}

/** A resource and what its URI says. */
export interface FoundResource {
  readonly resource: RegisteredResource
  readonly variables: TemplateVariables
}

/** Finds the tool that a call names. @throws {RpcError} −32602 */
export function findTool({ tools }: Registries, params: WireObject): RegisteredTool {
  const tool = tools.get(nameOf(params, 'name'))
  if (!tool) throw new RpcError(INVALID_PARAMS, `Unknown tool: ${nameOf(params, 'name')}`)
  return tool
}

/** Finds the prompt that a request names. @throws {RpcError} −32602 */
export function findPrompt({ prompts }: Registries, params: WireObject): RegisteredPrompt {
  const prompt = prompts.get(nameOf(params, 'name'))
  if (!prompt) throw new RpcError(INVALID_PARAMS, `Unknown prompt: ${nameOf(params, 'name')}`)
  return prompt
}

/** Finds a resource: one that was registered by its URI, else the first family that has it. @throws {ResourceNotFoundError} */
export function findResource({ resources, templates }: Registries, uri: string): FoundResource {
  const resource = resources.get(uri)
  if (resource) return { resource, variables: {} }
  for (const templated of templates.entries) {
    const variables = templated.template.match(uri)
    if (variables) return { resource: templated, variables }
  }
  throw new ResourceNotFoundError(uri)
}

/** A parameter that names something. @throws {RpcError} −32602 */
export function nameOf(params: WireObject, parameter: string): string {
  const name = params[parameter]
  if (typeof name === 'string') return name
  throw new RpcError(INVALID_PARAMS, `Invalid params: ${parameter} is not a string`)
}

/**
 * The scopes that an operation needs, all of them; none for one that is not understood, which fails later anyway.
 *
 * @param method of the request; every method that reads or runs something that was registered is known here
 */
export async function scopesOf(
  registries: Registries,
  method: string,
  params: WireObject,
  auth: AuthInfo | undefined,
): Promise<readonly string[]> {
  try {
    switch (method) {
      case 'tools/call': {
        const tool = findTool(registries, params)
        if (typeof tool.scopes !== 'function') return tool.scopes ?? []
        const args = await tool.readArguments(params)
        return args === undefined ? [] : tool.scopes(args as never, auth)
      }
      case 'prompts/get': {
        const prompt = findPrompt(registries, params)
        return typeof prompt.scopes === 'function'
          ? prompt.scopes(prompt.readArguments(params) as never, auth)
          : (prompt.scopes ?? [])
      }
      case 'resources/read':
      case 'resources/subscribe':
        return resourceScopes(registries, nameOf(params, 'uri'), auth)
      case 'subscriptions/listen': {
        const { resourceSubscriptions = [] } = (params['notifications'] ?? {}) as { resourceSubscriptions?: unknown }
        const uris = Array.isArray(resourceSubscriptions) ? resourceSubscriptions.slice(0, 1000) : []
        return [...new Set(uris.flatMap(uri => resourceScopes(registries, String(uri), auth)))]
      }
      case 'completion/complete':
        return completionScopes(registries, params['ref'])
      default:
        return []
    }
  } catch (error) {
    if (error instanceof RpcError) return []
    throw error
  }
}

/** What completes a name tells about what bears it. Scopes that decide by what is asked for cannot say yet. */
function completionScopes({ prompts, templates }: Registries, ref: unknown): readonly string[] {
  const { name, uri } = (ref ?? {}) as { name?: unknown; uri?: unknown }
  const found =
    typeof name === 'string' ? prompts.get(name) : typeof uri === 'string' ? templates.get(uri) : undefined
  return found === undefined || typeof found.scopes === 'function' ? [] : (found.scopes ?? [])
}

/** Every scope that something shown names, where it does not decide by what is asked for. */
export function declaredScopes({ tools, resources, templates, prompts }: Registries): readonly string[] {
  const all = [tools, resources, templates, prompts].flatMap(({ entries }) =>
    entries.flatMap(({ scopes }) => (typeof scopes === 'function' ? [] : (scopes ?? []))),
  )
  return [...new Set(all)]
}

function resourceScopes(registries: Registries, uri: string, auth: AuthInfo | undefined): readonly string[] {
  try {
    return resolve(findResource(registries, uri).resource.scopes, uri, auth)
  } catch (error) {
    if (error instanceof ResourceNotFoundError) return []
    throw error
  }
}

function resolve(
  scopes: RequiredScopes<string> | undefined,
  uri: string,
  auth: AuthInfo | undefined,
): readonly string[] {
  return typeof scopes === 'function' ? scopes(uri, auth) : (scopes ?? [])
}

/** Whether a list may show something: what decides by the arguments is shown to all. */
export function isShown(
  scopes: RequiredScopes<never> | undefined,
  holds: ((needed: readonly string[]) => boolean) | undefined,
): boolean {
  return holds === undefined || scopes === undefined || typeof scopes === 'function' || holds(scopes)
}
