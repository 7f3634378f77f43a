import type { Resource } from '../protocol/resources.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import type { Answer } from './answers.ts'
import type { RequiredScopes } from './auth-info.ts'
import type { ServerCall } from './call.ts'
import { encodeTool } from './encode-result.ts'
import { paginate } from './pagination.ts'
import type { Registries } from './registries.ts'
import type { Registry } from './registry.ts'
import type { TemplatedResource } from './resource.ts'
import { isShown, mayList } from './required-scopes.ts'

/** The methods that list what was registered, by name. `pageSize`: entries of one page. */
export function createListAnswers(registries: Registries, pageSize: number): Readonly<Record<string, Answer>> {
  const { tools, resources, templates, prompts } = registries
  const list = <Item>(
    call: ServerCall,
    items: { readonly [member: string]: readonly Item[] },
    options: { readonly keyOf: (item: Item) => string; readonly isPersonal: boolean },
  ): WireObject => {
    const [[member, all] = ['', []]] = Object.entries(items)
    const { page, nextCursor } = paginate(all, { cursor: call.params['cursor'], pageSize, keyOf: options.keyOf })
    return {
      [member]: page,
      ...(nextCursor !== undefined && { nextCursor }),
      // Whatever the server's hint says: what one caller may see is not for a cache to show to others.
      ...(options.isPersonal && { cacheScope: 'private' }),
    }
  }

  return {
    'tools/list': call => {
      const { shown, isPersonal } = visibleTo(call, tools)
      const listed = shown.map(({ listing }) => encodeTool(listing, call.client.features))
      return list(call, { tools: listed }, { keyOf: ({ name }) => name, isPersonal })
    },
    'prompts/list': call => {
      const { shown, isPersonal } = visibleTo(call, prompts)
      return list(call, { prompts: shown.map(({ listing }) => listing) }, { keyOf: ({ name }) => name, isPersonal })
    },
    'resources/list': async call => {
      const fixed = visibleTo(call, resources)
      const families = visibleTo(call, templates)
      const listed = await Promise.all(families.shown.map(family => membersOf(family, call)))
      const all = [...fixed.shown.map(({ listing }) => listing), ...listed.flat()]
      const byUri = new Map(all.map(resource => [resource.uri, resource]))
      // A family may list by who asks, and lists nothing to those who may not read it.
      const isPersonal =
        fixed.isPersonal ||
        families.isPersonal ||
        (call.auth !== undefined && families.shown.length > 0) ||
        (call.holds !== undefined && families.shown.some(({ scopes }) => scopes !== undefined))
      return list(call, { resources: [...byUri.values()] }, { keyOf: ({ uri }) => uri, isPersonal })
    },
    'resources/templates/list': call => {
      const { shown, isPersonal } = visibleTo(call, templates)
      const listed = shown.map(({ listing }) => listing)
      return list(call, { resourceTemplates: listed }, { keyOf: ({ uriTemplate }) => uriTemplate, isPersonal })
    },
  }
}

/** What a family lists, as far as the caller may read it; without that it is not even asked. */
async function membersOf(family: TemplatedResource, call: ServerCall): Promise<readonly Resource[]> {
  const { scopes } = family
  if (!mayList(scopes, call)) return []
  const listed = await family.list(call)
  return typeof scopes === 'function' ? listed.filter(({ uri }) => mayList(scopes, call, uri)) : listed
}

interface Visible<Entry> {
  readonly shown: readonly Entry[]
  /** Others may be shown something else. */
  readonly isPersonal: boolean
}

function visibleTo<Entry extends { readonly scopes: RequiredScopes<never> | undefined }>(
  { holds, filtersLists }: ServerCall,
  { entries }: Registry<Entry>,
): Visible<Entry> {
  if (!holds || !filtersLists || !entries.some(({ scopes }) => Array.isArray(scopes)))
    return { shown: entries, isPersonal: false }
  return { shown: entries.filter(({ scopes }) => isShown(scopes, holds)), isPersonal: true }
}
