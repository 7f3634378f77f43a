// One process of test/processes/keychain.test.ts: node keychain-child.mjs <built node.js> read|write <profile>
const [, , module, what, profile = 'default'] = process.argv
const { createDefaultStore } = await import(module)
const key = { server: 'https://mcp.example.com/mcp', profile }
const store = createDefaultStore()
const said = {}
const began = performance.now()
try {
  if (what === 'write') said.version = await store.compareAndSet(key, 0, { format: 1, ...key, issuers: {} })
  said.found = (await store.get(key))?.record.profile
} catch (error) {
  said.error = { name: error.name, code: error.code, message: error.message, hint: error.detail?.hint }
}
console.log(JSON.stringify({ ...said, ms: Math.round(performance.now() - began), store: store.description }))
