import { inspect } from 'node:util'
import { describe, it } from 'vitest'
import { storeContract, type StoreContractWorld } from '../../src/testing/store-contract.ts'

/** The store contract as tests of the store called `name`. */
export function describeStoreContract(name: string, world: StoreContractWorld): void {
  const show = (value: unknown): string => inspect(value, { depth: Infinity, showHidden: true })
  describe(`${name}: the store contract`, () => {
    for (const promise of storeContract()) it(promise.name, () => promise.run({ inspect: show, ...world }))
  })
}
