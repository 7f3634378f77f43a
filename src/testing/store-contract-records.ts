import { emptyRecord, withLogin } from '../oauth/credential-record.ts'
import type {
  CredentialKey,
  CredentialRecord,
  CredentialStore,
  VersionedRecord,
} from '../oauth/store/credential-store.ts'
import { ensure, ensureEqual, ensureStoreError, reachableText, rejectionOf } from './contract-assertions.ts'
import type { StoreContractCase, StoreContractWorld } from './store-contract.ts'

export const KEY: CredentialKey = { server: 'https://mcp.example.com/mcp', profile: 'default' }
export const OTHER_KEY: CredentialKey = { ...KEY, profile: 'work' }
const ISSUER = 'https://as.example.com'

/** A record with a login whose tokens name it. */
export function recordOf(accessToken: string, key: CredentialKey = KEY): CredentialRecord {
  return withLogin(emptyRecord(key), {
    issuer: ISSUER,
    grant: { grantId: 'g', accessToken, tokenType: 'Bearer', obtainedAt: 1, refreshToken: `refresh-${accessToken}` },
    registration: undefined,
    requestedScope: 'notes:read',
  })
}

/** The store as another process has it. */
export async function elsewhere(world: StoreContractWorld, store: CredentialStore): Promise<CredentialStore> {
  return world.reopen ? world.reopen(store) : store
}

/** Fails unless the store has this, version included, for the key. @throws {Error} */
export async function ensureStored(
  store: CredentialStore,
  expected: VersionedRecord | undefined,
  what: string,
  key: CredentialKey = KEY,
): Promise<void> {
  ensureEqual(await store.get(key), expected, what)
}

const namesOf = (keys: readonly CredentialKey[]): readonly string[] =>
  keys.map(({ server, profile }) => JSON.stringify([server, profile])).sort()

/** Keys that a careless store takes for one and the same, or cannot name a file or a row after. */
const SIMILAR_KEYS: readonly CredentialKey[] = [
  KEY,
  { ...KEY, server: `${KEY.server}/` },
  { ...KEY, server: 'https://mcp.example.com/MCP' },
  { ...KEY, server: 'https://mcp.example.com/mcp?tenant=a' },
  { ...KEY, server: 'https://mcp.example.com/mcp%2F' },
  { ...KEY, profile: 'Default' },
  { ...KEY, profile: 'default ' },
  { ...KEY, profile: '' },
  { ...KEY, profile: '..' },
  { ...KEY, profile: 'a/b' },
  { ...KEY, profile: 'a:b' },
  { server: `${KEY.server}:a`, profile: 'b' },
  { ...KEY, profile: 'caf\u00e9' },
  { ...KEY, profile: 'cafe\u0301' },
  { ...KEY, profile: '*' },
  { ...KEY, profile: '__proto__' },
]

export const recordCases: readonly StoreContractCase[] = [
  {
    name: 'has a description for people',
    async run(world) {
      ensure(/\w/.test((await world.open()).description), 'the description is empty')
    },
  },
  {
    name: 'knows nothing at first',
    async run(world) {
      const store = await world.open()
      await ensureStored(store, undefined, 'an absent record')
      ensureEqual(await store.list(), [], 'the list of an empty store')
    },
  },
  {
    name: 'counts versions up from 1 for each key; 0 stands for no record',
    async run(world) {
      const store = await world.open()
      ensureEqual(await store.compareAndSet(KEY, 0, recordOf('a')), 1, 'the first version')
      ensureEqual(await store.compareAndSet(KEY, 1, recordOf('b')), 2, 'the second version')
      const other = await store.compareAndSet(OTHER_KEY, 0, recordOf('c', OTHER_KEY))
      ensureEqual(other, 1, 'the first version of another key')
      await ensureStored(await elsewhere(world, store), { version: 2, record: recordOf('b') }, 'the record')
    },
  },
  {
    name: 'an absent record is neither replaced nor deleted',
    async run(world) {
      const store = await world.open()
      for (const version of [1, 2]) {
        ensureEqual(
          await store.compareAndSet(KEY, version, recordOf('a')),
          undefined,
          `a write over version ${version}`,
        )
        ensureEqual(await store.delete(KEY, version), false, `a deletion of version ${version}`)
      }
      ensureEqual(await store.delete(KEY, 0), false, 'a deletion of nothing')
      await ensureStored(store, undefined, 'the record')
    },
  },
  {
    name: 'field M5: a login to one server or profile leaves every other alone',
    async run(world) {
      const store = await world.open()
      const third = { ...KEY, server: 'https://mcp.example.com' }
      const keys = [KEY, OTHER_KEY, third]
      await Promise.all(keys.map(key => store.compareAndSet(key, 0, recordOf('a', key))))
      await store.compareAndSet(KEY, 1, recordOf('changed'))
      await store.delete(OTHER_KEY, 1)
      await ensureStored(store, { version: 1, record: recordOf('a', third) }, 'the third record', third)
      const listed = await (await elsewhere(world, store)).list()
      ensureEqual(namesOf(listed), namesOf([KEY, third]), 'the list')
    },
  },
  {
    name: 'field M11: keys that differ only in case, slash, spelling or profile are different keys',
    async run(world) {
      const store = await world.open()
      for (const [index, key] of SIMILAR_KEYS.entries()) {
        const version = await store.compareAndSet(key, 0, recordOf(`token-${index}`, key))
        ensureEqual(version, 1, `the first version for ${JSON.stringify(key)}`)
      }
      const reader = await elsewhere(world, store)
      for (const [index, key] of SIMILAR_KEYS.entries()) {
        const record = recordOf(`token-${index}`, key)
        await ensureStored(reader, { version: 1, record }, `the record of ${JSON.stringify(key)}`, key)
      }
      ensureEqual(namesOf(await reader.list()), namesOf(SIMILAR_KEYS), 'the list')
    },
  },
  {
    name: 'gives records back as they were written, whatever is in them',
    async run(world) {
      const store = await world.open()
      const texts = ['', ' \t\r\n\0\u001f', '"\\\u2028\u2029', 'žluťoučký 水獺 🦦 \u202e', '$1 %s {} [] KEYS *', 'null']
      const full: CredentialRecord = {
        ...recordOf('a'),
        issuers: {
          [ISSUER]: {
            grant: {
              grantId: 'g',
              accessToken: texts.join(''),
              tokenType: 'Bearer',
              obtainedAt: 0,
              expiresAt: Number.MAX_SAFE_INTEGER,
              resource: `${KEY.server}?a=b&c#`,
            },
            registration: {
              kind: 'dynamic',
              clientId: 'ü'.repeat(1_000),
              tokenEndpointAuthMethod: 'none',
              redirectUris: texts,
            },
            refuses: { offlineAccess: true },
          },
          'https://empty.example.com': {},
        },
      }
      ensureEqual(await store.compareAndSet(KEY, 0, full), 1, 'the version')
      await ensureStored(await elsewhere(world, store), { version: 1, record: full }, 'the record')
    },
  },
  {
    name: 'field L2: a record may be far longer than a keychain takes',
    async run(world) {
      const store = await world.open()
      const record = recordOf('token '.repeat(50_000))
      await store.compareAndSet(KEY, 0, record)
      await ensureStored(await elsewhere(world, store), { version: 1, record }, 'the long record')
    },
  },
  {
    name: 'copies on the way in and out',
    async run(world) {
      const store = await world.open()
      const mine: { -readonly [Name in keyof CredentialRecord]: CredentialRecord[Name] } = recordOf('a')
      await store.compareAndSet(KEY, 0, mine)
      mine.current = 'changed'
      const read = await store.get(KEY)
      if (read) Object.assign(read.record, { current: 'changed too' })
      await ensureStored(store, { version: 1, record: recordOf('a') }, 'the record')
    },
  },
  {
    name: 'a record of a newer format is refused as that, not as absent or corrupt',
    async run(world) {
      const store = await world.open()
      await store.compareAndSet(KEY, 0, Object.assign(recordOf('a'), { format: 1_000_000 }))
      const reader = await elsewhere(world, store)
      const failure = await rejectionOf(reader.get(KEY), 'a newer record is read')
      ensureStoreError(failure, 'newer_format', 'the failure')
    },
  },
  {
    name: 'field L8: shows no token when the store itself is logged',
    async run(world) {
      const store = await world.open()
      await store.compareAndSet(KEY, 0, recordOf('canary'))
      await store.get(KEY)
      const show = world.inspect ?? reachableText
      ensure(!show(store).includes('canary'), 'a stored token can be seen in the store object')
      ensure(!JSON.stringify(store).includes('canary'), 'a stored token can be seen in the store as JSON')
    },
  },
]
