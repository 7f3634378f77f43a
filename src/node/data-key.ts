import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '../oauth/store/store-error.ts'
import { assertPrivate, createPrivateFolder, errorCode, publishFile, unreadable } from './private-file.ts'

const KEY_BYTES = 32

/** A key that seals records, and a name for it that gives nothing away. */
export interface DataKey {
  readonly bytes: Uint8Array
  /** First 8 bytes of the key's SHA-256. */
  readonly id: Uint8Array
}

/** Where the data key lies. */
export interface DataKeySource {
  /** For people: `a key file`. */
  readonly description: string
  /** The key, or undefined when there is none yet. A key that cannot be read now is an error. @throws {StoreError} */
  read(): Promise<DataKey | undefined>
  /** The key, made if there is none. Two processes that make it at once end up with the same. @throws {StoreError} */
  readOrCreate(): Promise<DataKey>
}

/** Keeps the data key in a file that only its owner can read. Read anew each time: somebody may have removed the whole store. */
export function createKeyFile(directory: string): DataKeySource {
  const path = join(directory, 'data-key')
  const read = async (): Promise<DataKey | undefined> => {
    const text = await readKeyFile(path)
    return text === undefined ? undefined : toKey(text, path)
  }
  return {
    description: 'a key file',
    read,
    async readOrCreate() {
      const present = await read()
      if (present) return present
      await createPrivateFolder(directory)
      await publishFile(path, new TextEncoder().encode(`${randomBytes(KEY_BYTES).toString('base64')}\n`))
      // Whoever published it: what lies there now is the key.
      const made = await read()
      if (made) return made
      throw unreadable(path, undefined)
    },
  }
}

async function readKeyFile(path: string): Promise<string | undefined> {
  await assertPrivate(path)
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw unreadable(path, error)
  }
}

function toKey(text: string, path: string): DataKey {
  const bytes = Buffer.from(text.trim(), 'base64')
  if (bytes.length === KEY_BYTES) return { bytes, id: createHash('sha256').update(bytes).digest().subarray(0, 8) }
  throw new StoreError('corrupt', `${path} is not a data key.`, {
    step: 'read data key',
    path,
    hint: 'Restore it from a backup; without it the stored logins cannot be opened.',
  })
}
