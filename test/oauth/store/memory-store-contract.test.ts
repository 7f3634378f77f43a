import { createMemoryStore } from '../../../src/oauth/store/memory-store.ts'
import { describeStoreContract } from '../store-contract.ts'

describeStoreContract('the memory store', { open: async () => createMemoryStore() })
