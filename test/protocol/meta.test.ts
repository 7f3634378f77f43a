import { describe, expect, it } from 'vitest'
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  isMetaKey,
  isReservedMetaKey,
  LOG_LEVEL_META_KEY,
  mergeMeta,
  PROTOCOL_VERSION_META_KEY,
  SERVER_INFO_META_KEY,
  SUBSCRIPTION_ID_META_KEY,
} from '../../src/protocol/meta.ts'

describe('mergeMeta', () => {
  it('R-META-2 the progress token wins over one in meta, and the caller’s object is not changed', () => {
    const meta = Object.freeze({ progressToken: 'theirs', 'com.example/key': 1 })
    expect(mergeMeta(meta, { progressToken: 7 })).toEqual({ progressToken: 7, 'com.example/key': 1 })
    expect(meta).toEqual({ progressToken: 'theirs', 'com.example/key': 1 })
  })

  it('R-META-2 a progress token in meta stands when the call has none', () => {
    expect(mergeMeta({ progressToken: 'theirs' }, {})).toEqual({ progressToken: 'theirs' })
  })

  it.each([[undefined], [{}]])('R-META-2 empty meta (%j) adds nothing', meta => {
    expect(mergeMeta(meta, {})).toBeUndefined()
  })
})

describe('keys of _meta', () => {
  it.each([
    'progressToken',
    'traceparent',
    'a',
    'com.example/key',
    'com.example/',
    'io.modelcontextprotocol/x',
    'a-b.c1/d_e.f-g',
    '',
  ])('%j is well formed', key => {
    expect(isMetaKey(key)).toBe(true)
  })

  it.each(['/a', '1com/a', 'com./a', 'com-/a', 'com..example/a', 'com.example/_a', 'com.example/a-', 'a/b/c', 'a b'])(
    '%j is not well formed',
    key => {
      expect(isMetaKey(key)).toBe(false)
    },
  )

  it.each(['io.modelcontextprotocol/x', 'dev.mcp/', 'org.modelcontextprotocol.api/x', 'com.mcp.tools/x'])(
    '%s is reserved',
    key => {
      expect(isReservedMetaKey(key)).toBe(true)
    },
  )

  it.each(['com.example.mcp/x', 'mcp/x', 'progressToken', 'com.example/mcp'])('%s is not reserved', key => {
    expect(isReservedMetaKey(key)).toBe(false)
  })

  it('the protocol’s own keys are those of the specification, well formed and reserved', () => {
    const keys = [
      PROTOCOL_VERSION_META_KEY,
      CLIENT_INFO_META_KEY,
      CLIENT_CAPABILITIES_META_KEY,
      LOG_LEVEL_META_KEY,
      SERVER_INFO_META_KEY,
      SUBSCRIPTION_ID_META_KEY,
    ]
    const names = ['protocolVersion', 'clientInfo', 'clientCapabilities', 'logLevel', 'serverInfo', 'subscriptionId']
    expect(keys).toEqual(names.map(name => `io.modelcontextprotocol/${name}`))
    expect(keys.every(key => isMetaKey(key) && isReservedMetaKey(key))).toBe(true)
  })

  it('takes long hostile keys in linear time', () => {
    const started = performance.now()
    expect(isMetaKey(`${'a-'.repeat(50_000)}/!`)).toBe(false)
    expect(isMetaKey(`${'a.'.repeat(50_000)}!`)).toBe(false)
    expect(performance.now() - started).toBeLessThan(1000)
  })
})
