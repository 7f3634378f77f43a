import { INVALID_PARAMS, RpcError } from '../../jsonrpc/errors.ts'
import type { BlobResourceContents, Resource, TextResourceContents } from '../../protocol/resources.ts'
import type { WireObject } from '../../protocol/revisions/family.ts'
import { MAX_SKILL_BYTES, SKILLS_EXTENSION } from '../../protocol/skills.ts'
import { assertCacheHint, type CacheHint } from '../cache-hint.ts'
import type { ServerCall } from '../call.ts'
import { toBase64 } from '../content.ts'
import type { Extension } from '../extension.ts'
import { assertOptions, type OptionNames } from '../given-options.ts'
import { paginate } from '../pagination.ts'
import { nameOf } from '../registries.ts'
import type { Server } from '../server.ts'
import { readWithin } from './file-facts.ts'
import { textOf } from './media-type.ts'
import { createSkillCatalogue } from './skill-catalogue.ts'
import type { SkillSource } from './skill-source.ts'

const DEFAULT_PAGE_SIZE = 50
const DEFAULT_TIMEOUT_MS = 60_000

/** How skills are served. */
export interface SkillsOptions {
  /** How long, and for whom, clients may keep lists of skills and their files. Default: the server's. */
  readonly cache?: CacheHint
  /** Skills, or entries of a directory, on one page. A skill may take 100 KB. Default 50. */
  readonly pageSize?: number
  /** Milliseconds that one look at the whole source may take. Default one minute. */
  readonly timeoutMs?: number
}

const OPTIONS: OptionNames<SkillsOptions> = { cache: true, pageSize: true, timeoutMs: true }

/**
 * Offers skills: every directory of the source that holds a SKILL.md. Its files are resources, `skill://<directory>/<file>`, and `resources/list`
 * shows each SKILL.md. The source is looked at for every list, and what changed since is read again; a skill that may not be served (its
 * frontmatter, its size, the names of its files) is left out, and the server's `onError` hears what to change. All clients see all skills. For one
 * server.
 *
 * @throws {RangeError} a limit is no positive whole number
 * @throws {TypeError} an option that does not exist
 * @see the skills extension (SEP-2640)
 */
export function skills(source: SkillSource, options: SkillsOptions = {}): Extension {
  assertOptions('skills', options, OPTIONS)
  assertCacheHint(options.cache, 'skills')
  const { cache, pageSize = DEFAULT_PAGE_SIZE, timeoutMs = DEFAULT_TIMEOUT_MS } = options
  for (const [name, value] of Object.entries({ pageSize, timeoutMs })) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`${name} is ${value}; it should be a positive whole number`)
  }
  let report: ((error: unknown) => void) | undefined
  const catalogue = createSkillCatalogue(source, { timeoutMs, onProblem: problem => report?.(new Error(problem)) })

  const page = (call: ServerCall, member: string, items: readonly { readonly uri: string }[]): WireObject => {
    const cut = paginate(items, { cursor: call.params['cursor'], pageSize, keyOf: ({ uri }) => uri })
    return { [member]: cut.page, ...(cut.nextCursor !== undefined && { nextCursor: cut.nextCursor }) }
  }
  const listManifests = async (): Promise<readonly Resource[]> => {
    try {
      const { skills, files } = await catalogue.look()
      return [...skills.keys()].flatMap(uri => files.get(uri)?.resource ?? [])
    } catch (error) {
      // The server's other resources are there all the same.
      report?.(error)
      return []
    }
  }
  const read = async (
    uri: string,
    signal: AbortSignal,
  ): Promise<TextResourceContents | BlobResourceContents | undefined> => {
    // Only what was listed is read: nothing of a client's URI ever becomes part of a path.
    const file = await catalogue.find(uri)
    const content = file && (await readWithin(source, file.path, { maxBytes: MAX_SKILL_BYTES, signal }))
    if (!file || !content) return undefined
    const { mimeType } = file.facts
    const text = textOf(mimeType, content.bytes)
    return { uri, mimeType, ...(text === undefined ? { blob: toBase64(content.bytes) } : { text }) }
  }

  return {
    id: SKILLS_EXTENSION,
    settings: { directoryRead: true },
    methods: {
      'skills/list': async call => {
        const { skills } = await catalogue.look()
        return { ...page(call, 'skills', [...skills.values()]), ...cache }
      },
      'skills/get': async call => {
        const uri = nameOf(call.params, 'uri')
        const skill = (await catalogue.look()).skills.get(uri)
        if (!skill) throw new RpcError(INVALID_PARAMS, `There is no skill ${uri}`)
        return { skill, ...cache }
      },
      'resources/directory/read': async call => {
        const uri = nameOf(call.params, 'uri')
        const { directories, files } = await catalogue.look()
        const children = directories.get(uri.replace(/\/$/, ''))
        if (children) return page(call, 'resources', children)
        throw new RpcError(
          INVALID_PARAMS,
          files.has(uri) ? `${uri} is a file, no directory` : `There is no directory ${uri}`,
        )
      },
    },
    install: (server: Server) => {
      report = error => server.internals.report(error, {})
      server.resourceTemplate(
        'skill://{+path}',
        { name: 'skill-files', description: 'Files of skills', list: listManifests, ...(cache && { cache }) },
        (_variables, { uri, signal }) => read(uri, signal),
      )
    },
    close: () => catalogue.close(),
  }
}
