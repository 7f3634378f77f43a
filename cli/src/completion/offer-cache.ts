import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServerTarget } from '../server-target.ts'

const FILE = 'completion-cache.json'
const VERSION = 1
const MAX_FILE_BYTES = 4_194_304
const MAX_SERVERS = 50
const MAX_NAMES = 500
const MAX_ARGUMENTS = 50
const MAX_VALUES = 50
const MAX_LENGTH = 300
/** A use this long after the last one that was written is written again, milliseconds. */
const TOUCH_MS = 3_600_000

/** One argument, and the values it takes where they are few. */
export interface CachedArgument {
  readonly name: string
  readonly values?: readonly string[]
}

/** Something with arguments: a tool or a prompt. */
export interface CachedName {
  readonly name: string
  readonly arguments: readonly CachedArgument[]
}

/** What is known of one server. */
export interface CachedServer {
  /** Its URL. Absent where it may hold a secret: then only its {@link CachedServer.id} tells it from others. */
  readonly url?: string
  readonly id: string
  /** When it was used last, milliseconds since the epoch. */
  readonly usedAt: number
  readonly tools?: readonly CachedName[]
  readonly prompts?: readonly CachedName[]
  readonly resources?: readonly string[]
}

/** What names a server in the cache. A query, a user name or the arguments of a program may be secrets: they are only hashed. */
export function serverKey(target: ServerTarget): Pick<CachedServer, 'id' | 'url'> {
  const text = target.kind === 'url' ? target.url : JSON.stringify(['stdio', target.command, ...target.args])
  const id = createHash('sha256').update(text).digest('base64url')
  if (target.kind !== 'url' || !URL.canParse(text)) return { id }
  const { search, hash, username, password } = new URL(text)
  return search + hash + username + password === '' ? { id, url: text } : { id }
}

/** Everything that is cached, most recently used first. Empty when there is nothing, or nothing that can be read. */
export async function readOffers(directory: string): Promise<readonly CachedServer[]> {
  try {
    const path = join(directory, FILE)
    if ((await stat(path)).size > MAX_FILE_BYTES) return []
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (!isRecord(value) || value['version'] !== VERSION || !Array.isArray(value['servers'])) return []
    return value['servers'].flatMap(readServer)
  } catch {
    return []
  }
}

/** Keeps what is now known of one server. Bounded, atomic, and readable by this user only; two writers may lose one of the changes. */
export async function writeOffers(
  directory: string,
  key: Pick<CachedServer, 'id' | 'url'>,
  offers: Pick<CachedServer, 'tools' | 'prompts' | 'resources'>,
  now: number,
): Promise<void> {
  const all = await readOffers(directory)
  const before = all.find(({ id }) => id === key.id)
  const next = readServer({ ...before, ...offers, ...key, usedAt: now })[0]
  if (!next) return
  const isSame = before && JSON.stringify({ ...before, usedAt: 0 }) === JSON.stringify({ ...next, usedAt: 0 })
  if (isSame && now - before.usedAt < TOUCH_MS && now >= before.usedAt) return
  const servers = [next, ...all.filter(({ id }) => id !== key.id)].slice(0, MAX_SERVERS)
  while (servers.length > 1 && JSON.stringify(servers).length > MAX_FILE_BYTES / 4) servers.pop()
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const temporary = join(directory, `.${FILE}.${process.pid}`)
  try {
    await rm(temporary, { force: true })
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(JSON.stringify({ version: VERSION, servers }))
    } finally {
      await file.close()
    }
    await rename(temporary, join(directory, FILE))
  } finally {
    await rm(temporary, { force: true })
  }
}

function readServer(value: unknown): readonly CachedServer[] {
  if (!isRecord(value) || typeof value['id'] !== 'string' || typeof value['usedAt'] !== 'number') return []
  const { id, usedAt, url, tools, prompts, resources } = value
  return [
    {
      ...(isName(url) && { url }),
      id,
      usedAt,
      ...(Array.isArray(tools) && { tools: readNames(tools) }),
      ...(Array.isArray(prompts) && { prompts: readNames(prompts) }),
      ...(Array.isArray(resources) && { resources: resources.filter(isName).slice(0, MAX_NAMES) }),
    },
  ]
}

function readNames(values: readonly unknown[]): readonly CachedName[] {
  return values.slice(0, MAX_NAMES).flatMap(value => {
    if (!isRecord(value) || !isName(value['name'])) return []
    const given: unknown = value['arguments']
    return [
      {
        name: value['name'],
        arguments: (Array.isArray(given) ? given : []).slice(0, MAX_ARGUMENTS).flatMap(readArgument),
      },
    ]
  })
}

function readArgument(value: unknown): readonly CachedArgument[] {
  if (!isRecord(value) || !isName(value['name'])) return []
  const { name, values } = value
  return [{ name, ...(Array.isArray(values) && { values: values.filter(isName).slice(0, MAX_VALUES) }) }]
}

/** Whether a text may stand on a command line: short, one line, and nothing in it that a terminal obeys or hides. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_LENGTH && !/[\p{C}\u2028\u2029]/u.test(value)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
