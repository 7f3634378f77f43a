import { createHash, randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { displayText } from '../oauth/protocol/display-text.ts'
import { StoreError } from '../oauth/store/store-error.ts'
import { dataKeyPath, describedPlace, publishPlace, readPlace, toDataKey, type DataKeyPlace } from './data-key-file.ts'
import { createKeychain, type Keychain } from './keychain.ts'
import { createPrivateFolder, unreadable } from './private-file.ts'

const KEY_BYTES = 32

/** A key that seals records, and a name for it that gives nothing away. */
export interface DataKey {
  readonly bytes: Uint8Array
  /** First 8 bytes of the key's SHA-256. */
  readonly id: Uint8Array
}

/** Where the data key lies. */
export interface DataKeySource {
  /** For people, with the reason where there is one: `a key file`. */
  readonly description: string
  /** The key, or undefined when there is none yet. A key that cannot be read now is an error. @throws {StoreError} */
  read(): Promise<DataKey | undefined>
  /** The key, made if there is none. Two processes that make it at once end up with the same. @throws {StoreError} */
  readOrCreate(): Promise<DataKey>
}

export interface DataKeyOptions {
  /** Folder of the store. */
  readonly directory: string
  /** Where a new store gets its key. With `keychain`, a key file where no keychain answers. Default `file`. */
  readonly prefer?: 'keychain' | 'file'
  /** Whether nothing but `prefer` will do, for stores that exist as well. Default false. */
  readonly insist?: boolean
  /** Default: that of the operating system. */
  readonly keychain?: Keychain
}

/**
 * Keeps the data key where it was decided when the store was made: in the operating system's keychain, or in the file `data-key` that only
 * its owner can read. The same file says which. Nothing moves a key that exists: a keychain that is locked, or lost its key, is the
 * error `unreadable`, never a new key and never a file.
 *
 * What is decided is read anew each time, since somebody may have removed the whole store; the keychain is asked once per key.
 */
export function createDataKey(options: DataKeyOptions): DataKeySource {
  const { directory, prefer = 'file', insist = false, keychain = createKeychain() } = options
  let known: { readonly account: string; readonly key: DataKey } | undefined

  async function keyAt(place: DataKeyPlace): Promise<DataKey> {
    if (insist && place.kind !== prefer) throw decidedOtherwise(directory, place.kind)
    if (place.kind === 'file') return place.key
    if (known?.account === place.account) return known.key
    const key = await keyInKeychain(keychain, place, directory)
    known = { account: place.account, key }
    return key
  }

  async function create(): Promise<void> {
    const bytes = randomBytes(KEY_BYTES)
    const text = bytes.toString('base64')
    const key = toDataKey(text)
    if (!key) throw unreadable(dataKeyPath(directory), undefined)
    await createPrivateFolder(directory)
    if (prefer === 'file') {
      await publishPlace(directory, { kind: 'file', key })
      return
    }
    const keyId = Buffer.from(key.id).toString('hex')
    // Of its own for every key: processes that make one at once do not overwrite each other's.
    const account = `data-key ${folderName(directory)} ${keyId}`
    try {
      await keychain.set(account, text)
    } catch (cause) {
      await keychain.remove(account)
      if (insist) throw unusable(keychain, directory, cause)
      await publishPlace(directory, { kind: 'file', key, why: `no keychain could be used: ${reasonOf(cause)}` })
      return
    }
    let won = false
    try {
      won = await publishPlace(directory, { kind: 'keychain', account, keyId })
    } finally {
      if (!won) await keychain.remove(account)
    }
  }

  return {
    get description() {
      return describe(describedPlace(directory), { keychain, prefer, insist })
    },
    async read() {
      const place = await readPlace(directory)
      return place && keyAt(place)
    },
    async readOrCreate() {
      const present = await readPlace(directory)
      if (present) return keyAt(present)
      await create()
      // Whoever decided it: what is written there now holds.
      const decided = await readPlace(directory)
      if (decided) return keyAt(decided)
      throw unreadable(dataKeyPath(directory), undefined)
    },
  }
}

/** Keeps the data key in a file that only its owner can read, and refuses a store whose key lies elsewhere. */
export function createKeyFile(directory: string): DataKeySource {
  return createDataKey({ directory, prefer: 'file', insist: true })
}

async function keyInKeychain(
  keychain: Keychain,
  { account, keyId }: { readonly account: string; readonly keyId: string },
  directory: string,
): Promise<DataKey> {
  let text: string | undefined
  try {
    text = await keychain.get(account)
  } catch (cause) {
    throw unusable(keychain, directory, cause)
  }
  const path = dataKeyPath(directory)
  const lost = `Use the keychain it was made in; if that is lost, remove ${directory} and log in again.`
  if (text === undefined) {
    throw new StoreError('unreadable', `The data key is not in ${keychain.description} (latchkey, ${account}).`, {
      step: 'read data key',
      path,
      hint: lost,
    })
  }
  const key = toDataKey(text)
  if (key && Buffer.from(key.id).toString('hex') === keyId) return key
  throw new StoreError('corrupt', `What ${keychain.description} holds is not the data key of this store.`, {
    step: 'read data key',
    path,
    hint: lost,
  })
}

function describe(
  place: DataKeyPlace | 'undecided' | 'unreadable',
  { keychain, prefer, insist }: { readonly keychain: Keychain; readonly prefer: string; readonly insist: boolean },
): string {
  if (place === 'unreadable') return 'a key that cannot be read'
  if (place === 'undecided' && prefer === 'keychain')
    return `a key that the first login puts into ${keychain.description}${insist ? '' : ', or a file if that fails'}`
  if (place !== 'undecided' && place.kind === 'keychain') return `a key in ${keychain.description}`
  if (prefer === 'file') return insist ? 'a key file, as was asked for' : 'a key file'
  const why = place === 'undecided' ? undefined : place.why
  return `a key file, ${why === undefined ? 'as it was when the store was made' : `because ${displayText(why)}`}`
}

/** Tells stores apart in the keychain, whatever their paths are. */
function folderName(directory: string): string {
  return createHash('sha256').update(resolve(directory)).digest('hex').slice(0, 12)
}

function reasonOf(cause: unknown): string {
  return displayText(cause instanceof Error ? cause.message : 'unknown error')
}

function unusable(keychain: Keychain, directory: string, cause: unknown): StoreError {
  return new StoreError(
    'unreadable',
    `The data key cannot be had from ${keychain.description}: ${reasonOf(cause)}.`,
    {
      step: 'read data key',
      path: dataKeyPath(directory),
      hint: 'Unlock the keychain and try again. For a store that needs none: LATCHKEY_STORE=file with another LATCHKEY_HOME.',
    },
    { cause },
  )
}

function decidedOtherwise(directory: string, kind: DataKeyPlace['kind']): StoreError {
  const there = kind === 'file' ? 'a key file' : 'the keychain'
  return new StoreError('unreadable', `The data key of ${directory} is in ${there}, which was not asked for.`, {
    step: 'read data key',
    path: dataKeyPath(directory),
    hint: `Unset LATCHKEY_STORE, or choose another folder with LATCHKEY_HOME. To move: log out of everything, remove ${directory}, log in again.`,
  })
}
