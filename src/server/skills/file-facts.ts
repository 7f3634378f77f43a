import { mediaTypeOf } from './media-type.ts'
import type { SkillFileContent, SkillReadOptions, SkillSource } from './skill-source.ts'

/** What one reading of a file says, all of it of the same bytes. */
export interface FileFacts {
  readonly size: number
  /** `sha256:` and 64 lower-case hexadecimal digits. */
  readonly digest: string
  readonly mimeType: string
  readonly version: string | undefined
}

/** A file that was just read. */
export interface ReadFile {
  readonly facts: FileFacts
  readonly bytes: Uint8Array
}

/** Reads a file and says what it is. @throws {Error} it is not there, or too large */
export async function readFacts(source: SkillSource, path: string, options: SkillReadOptions): Promise<ReadFile> {
  const content = await readWithin(source, path, options)
  if (!content) throw new Error(`${path} is gone: it was removed while the skills were read`)
  const { bytes, version } = content
  return {
    facts: { size: bytes.byteLength, digest: await digestOf(bytes), mimeType: mediaTypeOf(path, bytes), version },
    bytes,
  }
}

/** Reads a file, and refuses one that is too large also where the source does not. @throws {Error} */
export async function readWithin(
  source: SkillSource,
  path: string,
  options: SkillReadOptions,
): Promise<SkillFileContent | undefined> {
  const content = await source.read(path, options)
  if (content && content.bytes.byteLength > options.maxBytes)
    throw new Error(`${path} has ${content.bytes.byteLength} bytes, and may have ${options.maxBytes}`)
  return content
}

async function digestOf(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as BufferSource))
  return `sha256:${Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('')}`
}
