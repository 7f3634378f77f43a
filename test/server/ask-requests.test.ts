import { describe, expect, it } from 'vitest'
import { type ProtocolRevision, REVISION_FEATURES } from '../../src/protocol/revisions.ts'
import { elicit, elicitUrl, sample } from '../../src/server.ts'
import { toInputRequest } from '../../src/server/ask-requests.ts'
import type { Ask } from '../../src/server/asks.ts'

/** What a client of that revision, with these capabilities, is sent. */
function sent(ask: Ask, capabilities: object, revision: ProtocolRevision = '2026-07-28'): any {
  return toInputRequest(ask, { revision, features: REVISION_FEATURES[revision], capabilities, info: undefined })
}

describe('a form', () => {
  const form = (items: unknown): Ask =>
    elicit({ message: 'Tags?', schema: { type: 'object', properties: { tags: { type: 'array', items } } } })

  it.each([[{ type: 'string', enum: ['a', 'b'] }], [{ anyOf: [{ const: 'a', title: 'A' }] }]])(
    'may offer several choices: %j',
    items => {
      const { params } = sent(form(items), { elicitation: {} })
      expect(params.requestedSchema.properties.tags).toEqual({ type: 'array', items })
    },
  )

  it.each([
    [undefined],
    [{ type: 'string' }],
    [{ type: 'integer', enum: [1] }],
    [{ type: 'object' }],
    [{ anyOf: [{ type: 'string' }] }],
  ])('has no other lists: %j', items => {
    expect(() => sent(form(items), { elicitation: {} })).toThrow(/tags is a list, but of no choices/)
  })
})

describe('a page', () => {
  it.each(['', 'pay', '/pay', 'https://'])('has a whole URL, not %j', url => {
    expect(() => sent(elicitUrl({ message: 'Pay', url }), { elicitation: { url: {} } })).toThrow(/a whole URL/)
  })
})

describe('a model', () => {
  const about = { messages: [], maxTokens: 1 } as const

  it.each([{ tools: [] }, { toolChoice: { mode: 'auto' } }])('uses tools only where that is declared: %j', params => {
    const ask = sample({ ...about, ...params } as never)
    expect(() => sent(ask, { sampling: {} })).toThrow(
      expect.objectContaining({ code: -32021, data: { requiredCapabilities: { sampling: { tools: {} } } } }),
    )
    expect(sent(ask, { sampling: { tools: {} } }).params).toMatchObject(params)
  })

  it('is told of other context only where that is declared, or before that could be', () => {
    const ask = sample({ ...about, includeContext: 'allServers' })
    expect(sent(ask, { sampling: {} }).params).toEqual(about)
    expect(sent(ask, { sampling: {} }, '2025-11-25').params).toEqual(about)
    expect(sent(ask, { sampling: { context: {} } }).params).toEqual({ ...about, includeContext: 'allServers' })
    expect(sent(ask, { sampling: {} }, '2025-06-18').params).toEqual({ ...about, includeContext: 'allServers' })
    expect(sent(sample({ ...about, includeContext: 'none' }), { sampling: {} }).params).toMatchObject({
      includeContext: 'none',
    })
  })
})
