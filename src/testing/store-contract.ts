import type { CredentialStore } from '../oauth/store/credential-store.ts'
import { lockCases } from './store-contract-locks.ts'
import { recordCases } from './store-contract-records.ts'
import { writerCases } from './store-contract-writers.ts'

/** What the contract needs of a store under test. */
export interface StoreContractWorld {
  /** A new, empty store. */
  open(): Promise<CredentialStore>
  /** One more store over the same records, as another process would have it. Default: the same store. */
  reopen?(store: CredentialStore): Promise<CredentialStore>
  /** What a log would show of a value, such as Node's `inspect`. Default: everything that can be reached through properties. */
  inspect?(value: unknown): string
}

/** One promise of a `CredentialStore`, by name. */
export interface StoreContractCase {
  readonly name: string
  /** Resolves when the store keeps the promise. @throws {Error} that says what it did instead */
  run(world: StoreContractWorld): Promise<void>
}

/**
 * What every `CredentialStore` promises, for a test runner of any kind. A case opens stores of its own, leaves nothing running, and neither
 * closes nor empties what it opened. One that never ends has found a broken promise, too: give it a time limit. Most of what goes wrong
 * between processes shows only with several of them: that is for tests of your own.
 *
 * @example
 * for (const { name, run } of storeContract()) test(name, () => run({ open: async () => createMyStore() }))
 */
export function storeContract(): readonly StoreContractCase[] {
  return [...recordCases, ...writerCases, ...lockCases]
}
