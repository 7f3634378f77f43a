import { describe, expect, it } from 'vitest'
import { handshakeFamily } from '../../src/protocol/revisions/handshake.ts'
import { statelessFamily } from '../../src/protocol/revisions/stateless.ts'
import {
  BAGGAGE_META_KEY,
  TRACE_CONTEXT_META_KEYS,
  TRACEPARENT_META_KEY,
  TRACESTATE_META_KEY,
} from '../../src/protocol/trace-context.ts'

const trace = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01',
  tracestate: 'vendor=opaque',
  baggage: 'user=otter',
}

describe('trace context', () => {
  it('R-TRACE-1 the keys are the un-prefixed names of the W3C', () => {
    expect(TRACE_CONTEXT_META_KEYS).toEqual(['traceparent', 'tracestate', 'baggage'])
    expect([TRACEPARENT_META_KEY, TRACESTATE_META_KEY, BAGGAGE_META_KEY]).toEqual(TRACE_CONTEXT_META_KEYS)
  })

  const families = [handshakeFamily('2025-11-25'), statelessFamily('2026-07-28', { capabilities: {} })]
  it.each(families.map(family => [family.name, family] as const))(
    'R-TRACE-1 %s: they pass untouched both ways',
    (_, family) => {
      expect(family.messages.encodeRequest({ name: 'search' }, { meta: trace, progressToken: 1 })).toMatchObject({
        _meta: trace,
      })
      expect(family.messages.encodeNotification({ requestId: 1 }, trace)).toEqual({ requestId: 1, _meta: trace })
      expect(family.messages.decodeResult('tools/call', { content: [], _meta: trace })).toEqual({
        kind: 'complete',
        result: { content: [], _meta: trace },
      })
    },
  )
})
