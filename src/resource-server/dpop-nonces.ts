import { encodeBase64Url } from '../oauth/protocol/base64url.ts'
import { TokenError } from './token-error.ts'

export interface DpopNoncesOptions {
  /**
   * What nonces are made with, the same on every machine that answers under one address: at least 32 random bytes. Default: random, for one process;
   * a client then needs one round more after a restart, and whenever another machine answers.
   */
  readonly key?: Uint8Array | undefined
  /** How long a nonce is given out; it is accepted for as long again. Default 60. */
  readonly lifetimeSeconds?: number | undefined
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

/** Nonces that prove when a proof was made, by the clock of the server (RFC 9449 §8, §9). */
export interface DpopNonces {
  /** The nonce to give out. */
  current(): Promise<string>
  /** Until when a nonce is accepted, in milliseconds since the epoch; undefined for one that is not, or no more. */
  acceptedUntil(nonce: string): Promise<number | undefined>
}

const MIN_KEY_BYTES = 32
const MAC_BYTES = 16

/**
 * Makes nonces out of the time and a key, so that nothing need be kept: whoever has the key recognizes them. One nonce serves everybody for a
 * while; a stolen proof is of use for at most two lifetimes, and only where replays go unseen.
 *
 * @throws {TokenError} `configuration` for a key that can be guessed
 */
export function createDpopNonces(options: DpopNoncesOptions = {}): DpopNonces {
  const { key = crypto.getRandomValues(new Uint8Array(MIN_KEY_BYTES)), now = Date.now } = options
  if (key.length < MIN_KEY_BYTES) {
    throw new TokenError('configuration', 'The key for nonces is too short.', {
      step: 'configuration',
      expected: `at least ${MIN_KEY_BYTES} random bytes`,
      received: `${key.length} bytes`,
    })
  }
  const lifetimeMs = (options.lifetimeSeconds ?? 60) * 1000
  const macKey = crypto.subtle.importKey('raw', new Uint8Array(key), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  /** Of the slots around now, at most three. */
  const made = new Map<number, Promise<string>>()

  const slotNow = (): number => Math.floor(now() / lifetimeMs)

  function nonceOf(slot: number): Promise<string> {
    const known = made.get(slot)
    if (known) return known
    for (const other of made.keys()) if (Math.abs(other - slotNow()) > 1) made.delete(other)
    const nonce = makeNonce(slot)
    made.set(slot, nonce)
    return nonce
  }

  async function makeNonce(slot: number): Promise<string> {
    const text = new TextEncoder().encode(`latchkey dpop nonce ${lifetimeMs} ${slot}`)
    const mac = new Uint8Array(await crypto.subtle.sign('HMAC', await macKey, text))
    return encodeBase64Url(mac.subarray(0, MAC_BYTES))
  }

  return {
    current: () => nonceOf(slotNow()),
    async acceptedUntil(nonce) {
      const slot = slotNow()
      // The next one, too: the clock of the machine that gave it out may be ahead.
      for (const each of [slot, slot - 1, slot + 1]) {
        // Not compared in constant time: whoever asks is given the current nonce anyway.
        if ((await nonceOf(each)) === nonce) return (each + 2) * lifetimeMs
      }
      return undefined
    },
  }
}
