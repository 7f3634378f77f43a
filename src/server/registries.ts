import { INVALID_PARAMS, RpcError } from '../jsonrpc/errors.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import { ResourceNotFoundError } from './errors.ts'
import type { RegisteredPrompt } from './prompt.ts'
import type { Registry } from './registry.ts'
import type { FixedResource, RegisteredResource, TemplatedResource } from './resource.ts'
import type { TemplateVariables } from './template-variables.ts'
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
  /** The URI as it is registered, or as the template writes it with these variables: one for all spellings that a handler cannot tell apart. */
  readonly canonicalUri: string
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
export function findResource(registries: Registries, uri: string): FoundResource {
  const found = lookUpResource(registries, uri)
  if (found) return found
  throw new ResourceNotFoundError(uri)
}

/** Like {@link findResource}, but undefined for one that does not exist. */
export function lookUpResource({ resources, templates }: Registries, uri: string): FoundResource | undefined {
  const resource = resources.get(uri)
  if (resource) return { resource, variables: {}, canonicalUri: uri }
  for (const templated of templates.entries) {
    const variables = templated.template.match(uri)
    if (!variables) continue
    // `%61dmin` is `admin` to the handler of a family: it must not be a way around what is registered as `admin`.
    const same = spelledAs(resources.entries, uri)
    if (same) return { resource: same, variables: {}, canonicalUri: same.listing.uri }
    return { resource: templated, variables, canonicalUri: templated.template.expand(variables) }
  }
  return undefined
}

/** Resources by their decoded URIs, for as long as they are the same. */
const decodedUris = new WeakMap<readonly FixedResource[], ReadonlyMap<string, FixedResource>>()

/** The resource whose URI is the same once both are decoded. */
function spelledAs(resources: readonly FixedResource[], uri: string): FixedResource | undefined {
  let known = decodedUris.get(resources)
  if (!known) {
    known = new Map(resources.map(resource => [decoded(resource.listing.uri), resource]))
    decodedUris.set(resources, known)
  }
  return known.get(decoded(uri))
}

function decoded(uri: string): string {
  try {
    return decodeURIComponent(uri)
  } catch {
    return uri
  }
}

/** A parameter that names something. @throws {RpcError} −32602 */
export function nameOf(params: WireObject, parameter: string): string {
  const name = params[parameter]
  if (typeof name === 'string') return name
  throw new RpcError(INVALID_PARAMS, `Invalid params: ${parameter} is not a string`)
}
