import type { Prompt, Resource, Tool } from 'latchkey/client'
import { alternatives, isObject, resolveSchema } from '../arguments/schema.ts'
import { knownArguments } from '../arguments/tool-arguments.ts'
import type { Io } from '../io.ts'
import type { ServerTarget } from '../server-target.ts'
import { cacheDirectory } from './cache-directory.ts'
import { type CachedArgument, serverKey, writeOffers } from './offer-cache.ts'

/** What a server has just listed. */
export interface Offers {
  readonly tools?: readonly Tool[]
  readonly prompts?: readonly Prompt[]
  readonly resources?: readonly Resource[]
}

/** Keeps what a server offers, for the completion of command lines. Only a convenience: never rejects. */
export async function rememberOffers(
  io: Io,
  target: ServerTarget,
  { tools, prompts, resources }: Offers,
): Promise<void> {
  const offers = {
    ...(tools && { tools: tools.map(({ name, inputSchema }) => ({ name, arguments: argumentsOf(inputSchema) })) }),
    ...(prompts && {
      prompts: prompts.map(({ name, arguments: known = [] }) => ({
        name,
        arguments: known.map(({ name }) => ({ name })),
      })),
    }),
    ...(resources && { resources: resources.map(({ uri }) => uri) }),
  }
  await writeOffers(cacheDirectory(io.env), serverKey(target), offers, io.now()).catch(() => undefined)
}

function argumentsOf(inputSchema: unknown): readonly CachedArgument[] {
  const root = isObject(inputSchema) ? inputSchema : {}
  const properties = resolveSchema(root, root)['properties']
  return knownArguments(inputSchema).map(({ name }) => {
    const property = isObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined
    const values = valuesOf(property, root)
    return { name, ...(values.length > 0 && { values }) }
  })
}

/** The values that an argument takes, where a schema lists them. */
function valuesOf(property: unknown, root: Record<string, unknown>): readonly string[] {
  return alternatives(resolveSchema(property, root), root).flatMap(schema => {
    if ('const' in schema) return [valueText(schema['const'])]
    if (Array.isArray(schema['enum'])) return schema['enum'].map(valueText)
    return schema['type'] === 'boolean' ? ['true', 'false'] : []
  })
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}
