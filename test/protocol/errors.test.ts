import { describe, expect, it } from 'vitest'
import {
  HEADER_MISMATCH,
  isStatelessErrorCode,
  MISSING_REQUIRED_CLIENT_CAPABILITY,
  readUnsupportedProtocolVersionData,
  RESOURCE_NOT_FOUND,
  UNSUPPORTED_PROTOCOL_VERSION,
  URL_ELICITATION_REQUIRED,
} from '../../src/protocol/errors.ts'

describe('error codes', () => {
  it('are those of the specification', () => {
    expect([
      RESOURCE_NOT_FOUND,
      HEADER_MISMATCH,
      MISSING_REQUIRED_CLIENT_CAPABILITY,
      UNSUPPORTED_PROTOCOL_VERSION,
      URL_ELICITATION_REQUIRED,
    ]).toEqual([-32002, -32020, -32021, -32022, -32042])
  })

  it.each([-32020, -32021, -32022])('%i can only come from a stateless server', code => {
    expect(isStatelessErrorCode(code)).toBe(true)
  })

  it.each([-32700, -32600, -32601, -32602, -32603, -32000, -32001, -32002, -32042, 0])(
    '%i also comes from a handshake server',
    code => {
      expect(isStatelessErrorCode(code)).toBe(false)
    },
  )
})

describe('readUnsupportedProtocolVersionData', () => {
  it('reads the revisions the server speaks, known or not', () => {
    const data = { supported: ['2026-07-28', '2030-01-01'], requested: '1900-01-01' }
    expect(readUnsupportedProtocolVersionData(data)).toEqual(data)
  })

  it('does without `requested` and passes over what is not a string', () => {
    expect(readUnsupportedProtocolVersionData({ supported: ['2026-07-28', null, 3], requested: null })).toEqual({
      supported: ['2026-07-28'],
    })
  })

  it.each([undefined, null, 'x', {}, { supported: '2026-07-28' }])('%j names none', data => {
    expect(readUnsupportedProtocolVersionData(data)).toBeUndefined()
  })
})
