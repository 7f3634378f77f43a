import { displayText } from '../oauth/protocol/display-text.ts'

/** The name under which every key is kept. */
const SERVICE = 'latchkey'
const DEFAULT_TIMEOUT_MS = 10_000

/** The operating system's keychain. Its failures are errors whose message is the reason, for people: `there is no D-Bus session`. */
export interface Keychain {
  /** For people: `the login keychain (Secret Service)`. */
  readonly description: string
  /** The text kept under `account`, or undefined when the keychain was asked and has none. @throws {Error} locked, not there, or silent */
  get(account: string): Promise<string | undefined>
  /** Keeps `value` and reads it back. @throws {Error} also when another text comes back */
  set(account: string, value: string): Promise<void>
  /** Removes what is kept under `account`, as far as that is possible now. */
  remove(account: string): Promise<void>
}

export interface KeychainOptions {
  /** Loads the module that speaks to the keychain. Default: the optional peer dependency `@napi-rs/keyring`. */
  readonly load?: () => Promise<unknown>
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly platform?: NodeJS.Platform
  /** Milliseconds to wait for an answer, perhaps of a person who is asked to unlock it. Default 10 s. */
  readonly timeoutMs?: number
}

/** What is used of `@napi-rs/keyring`. */
interface KeyringEntry {
  getPassword(): Promise<string | null>
  setPassword(password: string): Promise<void>
  deletePassword(): Promise<boolean>
}
type EntryConstructor = new (
  service: string,
  account: string,
  options: { readonly linux: { readonly store: 'secret-service' } },
) => KeyringEntry

/**
 * The keychain of the person who runs this process: macOS Keychain, Windows Credential Manager, or the Secret Service (GNOME Keyring,
 * KWallet, KeePassXC) elsewhere. The kernel's key retention is never used: it forgets at reboot.
 *
 * Nothing is loaded or asked before the first call. A call gives up after `timeoutMs`, but the question stays open: when a person answers
 * it later, the next call profits; and a process that ends meanwhile waits for it.
 */
export function createKeychain(options: KeychainOptions = {}): Keychain {
  const { load = () => import('@napi-rs/keyring'), env = process.env, platform = process.platform } = options
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options
  const reads = new Map<string, Promise<string | undefined>>()

  async function entry(account: string): Promise<KeyringEntry> {
    // Looked for first, since everything that comes after may block.
    if (usesSecretService(platform) && !env['DBUS_SESSION_BUS_ADDRESS'])
      throw new Error('there is no D-Bus session (DBUS_SESSION_BUS_ADDRESS is not set)')
    const AsyncEntry = entryConstructor(await loaded(load))
    return new AsyncEntry(SERVICE, account, { linux: { store: 'secret-service' } })
  }

  const ask = async <T>(question: () => Promise<T>): Promise<T> => withinTime(question(), timeoutMs).catch(asReason)

  const keychain: Keychain = {
    description: `the login keychain (${nameOf(platform)})`,
    async get(account) {
      const asked = reads.get(account)
      // One question, one prompt: whoever asks while it is open waits for its answer.
      if (asked) return ask(() => asked)
      const answer = (async () => (await (await entry(account)).getPassword()) ?? undefined)()
      reads.set(account, answer)
      const forget = (): boolean => reads.delete(account)
      answer.then(forget, forget)
      return ask(() => answer)
    },
    async set(account, value) {
      await ask(async () => (await entry(account)).setPassword(value))
      if ((await keychain.get(account)) !== value) throw new Error('it did not give back what it was given')
    },
    async remove(account) {
      await ask(async () => (await entry(account)).deletePassword()).catch(() => undefined)
    },
  }
  return keychain
}

function usesSecretService(platform: NodeJS.Platform): boolean {
  return platform !== 'darwin' && platform !== 'win32'
}

function nameOf(platform: NodeJS.Platform): string {
  if (platform === 'darwin') return 'macOS Keychain'
  return platform === 'win32' ? 'Windows Credential Manager' : 'Secret Service'
}

async function loaded(load: () => Promise<unknown>): Promise<unknown> {
  try {
    return await load()
  } catch (cause) {
    const absent = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND'
    const why = absent ? 'is not installed' : 'does not work on this machine'
    throw new Error(`the package @napi-rs/keyring ${why}`, { cause })
  }
}

function entryConstructor(module: unknown): EntryConstructor {
  // Node does not always find the names that a CommonJS module exports; its default export has them all.
  for (const candidate of [module, memberOf(module, 'default')]) {
    const found = memberOf(candidate, 'AsyncEntry')
    if (typeof found === 'function') return found as EntryConstructor
  }
  throw new Error('the package @napi-rs/keyring is not one that this version knows')
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}

function asReason(cause: unknown): never {
  const words = displayText(cause instanceof Error ? cause.message : cause, 200).replace(/[.\s]+$/, '')
  throw new Error(words === '' ? 'it failed without a reason' : words, { cause })
}

async function withinTime<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const silent = `it did not answer within ${timeoutMs / 1000} s; perhaps it waits for a person to unlock it`
    timer = setTimeout(() => reject(new Error(silent)), timeoutMs)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
