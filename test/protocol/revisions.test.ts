import { describe, expect, it } from 'vitest'
import {
  isHandshakeRevision,
  isProtocolRevision,
  isStatelessRevision,
  LATEST_HANDSHAKE_REVISION,
  LATEST_REVISION,
  PROTOCOL_REVISIONS,
  REVISION_FEATURES,
} from '../../src/protocol/revisions.ts'

const revisionsWith = (has: (revision: (typeof PROTOCOL_REVISIONS)[number]) => boolean): readonly string[] =>
  PROTOCOL_REVISIONS.filter(has)

describe('revisions', () => {
  it('are listed oldest first, and the latest is the last', () => {
    expect([...PROTOCOL_REVISIONS].sort()).toEqual(PROTOCOL_REVISIONS)
    expect(PROTOCOL_REVISIONS.at(-1)).toBe(LATEST_REVISION)
    expect(PROTOCOL_REVISIONS.filter(isHandshakeRevision).at(-1)).toBe(LATEST_HANDSHAKE_REVISION)
  })

  it('each belongs to exactly one family', () => {
    expect(PROTOCOL_REVISIONS.filter(isStatelessRevision)).toEqual(['2026-07-28'])
    expect(PROTOCOL_REVISIONS.filter(isHandshakeRevision)).toEqual([
      '2024-11-05',
      '2025-03-26',
      '2025-06-18',
      '2025-11-25',
    ])
  })

  it.each(['2025-01-01', 'DRAFT-2026-v1', '', 'toString', null, 20250326])('%j is none', value => {
    expect([isProtocolRevision(value), isHandshakeRevision(value), isStatelessRevision(value)]).toEqual([
      false,
      false,
      false,
    ])
  })

  it('R-RPC-1 only 2025-03-26 has batches', () => {
    expect(revisionsWith(revision => REVISION_FEATURES[revision].batches)).toEqual(['2025-03-26'])
  })

  it('R-RPC-1 an error answer for an unreadable id omits it from 2025-11-25 on', () => {
    expect(revisionsWith(revision => REVISION_FEATURES[revision].omitUnknownErrorId)).toEqual([
      '2025-11-25',
      '2026-07-28',
    ])
  })

  it('the version header comes with 2025-06-18, method headers with 2026-07-28', () => {
    expect(revisionsWith(revision => REVISION_FEATURES[revision].versionHeader)).toEqual([
      '2025-06-18',
      '2025-11-25',
      '2026-07-28',
    ])
    expect(revisionsWith(revision => REVISION_FEATURES[revision].methodHeaders)).toEqual(['2026-07-28'])
  })

  it('elicitation comes with 2025-06-18, its url mode with 2025-11-25', () => {
    expect(PROTOCOL_REVISIONS.map(revision => REVISION_FEATURES[revision].elicitationModes)).toEqual([
      [],
      [],
      ['form'],
      ['form', 'url'],
      ['form', 'url'],
    ])
  })

  it('structured output comes with 2025-06-18 for objects and with 2026-07-28 for any JSON', () => {
    expect(PROTOCOL_REVISIONS.map(revision => REVISION_FEATURES[revision].structuredOutput)).toEqual([
      'none',
      'none',
      'object',
      'object',
      'any-json',
    ])
  })
})
