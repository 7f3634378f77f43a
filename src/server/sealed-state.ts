import { INTERNAL_ERROR, INVALID_PARAMS, RpcError } from '../jsonrpc/errors.ts'
import { decodeBase64Url, encodeBase64Url } from '../oauth/protocol/base64url.ts'
import { digestOf } from '../oauth/protocol/digest.ts'
import { MAX_CANONICAL_DEPTH, toCanonicalJson } from './canonical-json.ts'

/** What a state belongs to: it is of no use to anybody else, or for anything else. */
export interface StateBinding {
  /** Who the request acts for. */
  readonly principal: string
  readonly method: string
  /** Parameters of the request; `_meta`, `inputResponses` and `requestState` do not count, nor does the order of members. */
  readonly params: Readonly<Record<string, unknown>>
}

/**
 * What became of a state that came back. `damaged`: it was not sealed with a key of this server, or not as it is now. `foreign`: another principal,
 * method or parameters. `used`: it was opened before.
 */
export type OpenedState =
  | { readonly ok: true; readonly payload: unknown }
  | { readonly ok: false; readonly reason: 'damaged' | 'expired' | 'foreign' | 'used' }

/** Seals state that travels through the client, and opens it again. Made by {@link createSealedStates}. */
export interface SealedStates {
  /** Whether a state is claimed when it is opened, and so counts once. */
  readonly areClaimed: boolean
  /**
   * Encrypts a payload for one request.
   *
   * @param payload JSON, or `undefined`
   * @throws {RpcError} −32603: the payload is no JSON, or sealed would be longer than 65 536 characters; −32602: the parameters are nested too deep
   */
  seal(payload: unknown, binding: StateBinding): Promise<string>
  /**
   * Opens what a client presents. Throws only what the claim throws.
   *
   * The checks, in order: at most 65 536 characters; a version that is known; encrypted by one of the keys and not changed since; not expired; for this
   * principal, method and parameters; not claimed before, where there is a claim. Only a state that passes all others is claimed, so that nobody
   * can use up somebody else's.
   */
  open(sealed: string, binding: StateBinding): Promise<OpenedState>
}

/**
 * Remembers that a state was used: `true` for the first call with an id, `false` for every other one until `expiresAt` (milliseconds since the epoch),
 * from which on it may forget. Of calls at the same time only one may be told `true`. With several processes it must be one store for all of them. What
 * it throws becomes the answer to the request, and the state is not used.
 */
export type StateClaim = (id: string, expiresAt: number) => Promise<boolean>

/** How states are sealed. */
export interface SealedStatesOptions {
  /**
   * 32 random bytes, the same in every process that serves the same clients. Of several, the first seals and all open: to change it, put the new key
   * first and drop the old one after the lifetime; at most 8. Default: random, so that other processes, and this one after a restart, open nothing of it.
   */
  readonly key?: Uint8Array | readonly Uint8Array[] | undefined
  /** How long the client may take, in milliseconds. Default 10 minutes. */
  readonly lifetimeMs?: number | undefined
  /** The clock, in milliseconds since the epoch. */
  readonly now?: (() => number) | undefined
  /**
   * Lets a state be used once. Without it, who holds a state can send the same request with it again until it expires: set it where answering twice
   * does harm.
   */
  readonly claim?: StateClaim | undefined
}

const MAX_SEALED_LENGTH = 65_536
const DEFAULT_LIFETIME_MS = 10 * 60_000
const VERSION = 'v1.'
/** Also bound to every state, so that nothing else that was encrypted with the key opens as one. */
const PURPOSE = new TextEncoder().encode('latchkey request state v1')
const KEY_BYTES = 32
const MAX_KEYS = 8
const IV_BYTES = 12
const TAG_BYTES = 16
/** Not part of what is asked for: they differ from one round to the next. */
const CHANGING_PARAMETERS: readonly string[] = ['_meta', 'inputResponses', 'requestState']

interface Content {
  readonly id: string
  readonly expiresAt: number
  /** Digest of the binding. */
  readonly boundTo: string
  readonly payload?: unknown
}

/**
 * Creates what seals states: AES-256-GCM with a random IV, which is safe for 2³² states of one key.
 *
 * @throws {TypeError} a key has not 32 bytes, there is none or more than 8, or the lifetime is not positive
 * @see MCP 2026-07-28, Multi Round-Trip Requests, Server Requirements
 */
export function createSealedStates(options: SealedStatesOptions = {}): SealedStates {
  const { lifetimeMs = DEFAULT_LIFETIME_MS, now = Date.now, claim } = options
  if (!(lifetimeMs > 0 && Number.isFinite(lifetimeMs)))
    throw new TypeError(`lifetimeMs is ${lifetimeMs}; it must be a positive number of milliseconds`)
  const given = readKeys(options.key)
  let imported: Promise<readonly CryptoKey[]> | undefined
  // A random key is made when it is needed: Workers refuse to make one before there is a request.
  const importKeys = (): Promise<readonly CryptoKey[]> =>
    (imported ??= Promise.all((given ?? [crypto.getRandomValues(new Uint8Array(KEY_BYTES))]).map(importKey)))

  return {
    areClaimed: claim !== undefined,
    async seal(payload, binding) {
      const boundTo = await digest(binding)
      if (boundTo === undefined) {
        throw new RpcError(
          INVALID_PARAMS,
          `Parameters of ${binding.method} are nested deeper than ${MAX_CANONICAL_DEPTH}`,
        )
      }
      const content: Content = { id: crypto.randomUUID(), expiresAt: now() + lifetimeMs, boundTo, payload }
      const [key] = await importKeys()
      return VERSION + encodeBase64Url(await encrypt(toBytes(content, binding.method), key))
    },

    async open(sealed, binding) {
      const content = await decrypt(sealed, await importKeys())
      if (content === undefined) return { ok: false, reason: 'damaged' }
      if (content.expiresAt <= now()) return { ok: false, reason: 'expired' }
      if (content.boundTo !== (await digest(binding))) return { ok: false, reason: 'foreign' }
      if (claim !== undefined && !(await claim(content.id, content.expiresAt))) return { ok: false, reason: 'used' }
      return { ok: true, payload: content.payload }
    },
  }
}

function readKeys(key: SealedStatesOptions['key']): readonly Uint8Array<ArrayBuffer>[] | undefined {
  if (key === undefined) return undefined
  const keys = Array.isArray(key) ? key : [key]
  if (keys.length === 0 || keys.length > MAX_KEYS)
    throw new TypeError(`There are ${keys.length} keys for request state; there must be 1 to ${MAX_KEYS}`)
  return keys.map(bytes => {
    if (bytes instanceof Uint8Array && bytes.length === KEY_BYTES) return new Uint8Array(bytes)
    throw new TypeError(
      `A key for request state must be ${KEY_BYTES} random bytes: crypto.getRandomValues(new Uint8Array(${KEY_BYTES}))`,
    )
  })
}

function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
}

async function digest({ principal, method, params }: StateBinding): Promise<string | undefined> {
  const salient = Object.fromEntries(Object.entries(params).filter(([name]) => !CHANGING_PARAMETERS.includes(name)))
  const text = toCanonicalJson([principal, method, salient])
  if (text === undefined) return undefined
  return digestOf(text)
}

function toBytes(content: Content, method: string): Uint8Array<ArrayBuffer> {
  let text: string
  try {
    text = JSON.stringify(content)
  } catch (cause) {
    throw new RpcError(INTERNAL_ERROR, `The state to keep for ${method} cannot be written as JSON`, { cause })
  }
  const bytes = new TextEncoder().encode(text)
  const length = VERSION.length + Math.ceil(((IV_BYTES + bytes.length + TAG_BYTES) * 4) / 3)
  if (length <= MAX_SEALED_LENGTH) return bytes
  throw new RpcError(
    INTERNAL_ERROR,
    `The state to keep for ${method} is too large: ${length} characters when sealed, of at most ${MAX_SEALED_LENGTH}. Keep it elsewhere, and only its key in the state.`,
  )
}

async function encrypt(plaintext: Uint8Array<ArrayBuffer>, key: CryptoKey | undefined): Promise<Uint8Array> {
  if (key === undefined) throw new TypeError('There is no key for request state')
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
  const ciphertext = await crypto.subtle.encrypt(algorithm(iv), key, plaintext)
  const bytes = new Uint8Array(IV_BYTES + ciphertext.byteLength)
  bytes.set(iv)
  bytes.set(new Uint8Array(ciphertext), IV_BYTES)
  return bytes
}

async function decrypt(sealed: string, keys: readonly CryptoKey[]): Promise<Content | undefined> {
  if (sealed.length > MAX_SEALED_LENGTH || !sealed.startsWith(VERSION)) return undefined
  const bytes = decodeBase64Url(sealed.slice(VERSION.length))
  if (bytes === undefined || bytes.length < IV_BYTES + TAG_BYTES) return undefined
  for (const key of keys) {
    try {
      const plaintext = await crypto.subtle.decrypt(
        algorithm(bytes.subarray(0, IV_BYTES)),
        key,
        bytes.subarray(IV_BYTES),
      )
      return readContent(JSON.parse(new TextDecoder().decode(plaintext)))
    } catch {
      // Another key, or damaged: the next key will tell.
    }
  }
  return undefined
}

function algorithm(iv: Uint8Array<ArrayBuffer>): AesGcmParams {
  return { name: 'AES-GCM', iv, additionalData: PURPOSE, tagLength: TAG_BYTES * 8 }
}

function readContent(value: unknown): Content | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { id, expiresAt, boundTo, payload } = value as Partial<Record<keyof Content, unknown>>
  if (typeof id !== 'string' || typeof expiresAt !== 'number' || typeof boundTo !== 'string') return undefined
  return { id, expiresAt, boundTo, payload }
}
