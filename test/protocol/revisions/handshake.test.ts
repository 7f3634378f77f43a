import { describe, expect, it } from 'vitest'
import { isHandshakeRevision, PROTOCOL_REVISIONS } from '../../../src/protocol/revisions.ts'
import { handshakeFamily } from '../../../src/protocol/revisions/handshake.ts'

const { messages, http } = handshakeFamily('2025-11-25')

describe('messages of the handshake family', () => {
  it('R-META-2 a request says no more than its caller', () => {
    expect(messages.encodeRequest()).toBeUndefined()
    expect(messages.encodeRequest(undefined, { meta: {} })).toBeUndefined()
    expect(messages.encodeRequest({ cursor: 'n' }, { meta: {} })).toEqual({ cursor: 'n' })
    expect(messages.encodeRequest({ cursor: 'n' }, { logLevel: 'info' })).toEqual({ cursor: 'n' })
  })

  it('R-META-2 meta is merged and the progress token wins, on a copy', () => {
    const params = Object.freeze({ name: 'search', _meta: Object.freeze({ a: 1, b: 1 }) })
    const meta = Object.freeze({ b: 2, progressToken: 'theirs' })
    expect(messages.encodeRequest(params, { meta, progressToken: 7 })).toEqual({
      name: 'search',
      _meta: { a: 1, b: 2, progressToken: 7 },
    })
    expect(messages.encodeRequest(undefined, { progressToken: 0 })).toEqual({ _meta: { progressToken: 0 } })
    expect(params).toEqual({ name: 'search', _meta: { a: 1, b: 1 } })
    expect(meta).toEqual({ b: 2, progressToken: 'theirs' })
  })

  it('never passes on the keys by which a server of both families knows a stateless request', () => {
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'a', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/logLevel': 'info',
    }
    expect(messages.encodeRequest({ cursor: 'n', _meta: meta })).toEqual({ cursor: 'n' })
    expect(messages.encodeRequest(undefined, { meta: { ...meta, 'io.modelcontextprotocol/related-task': 1 } })).toEqual(
      {
        _meta: { 'io.modelcontextprotocol/related-task': 1 },
      },
    )
    expect(messages.encodeNotification({ requestId: 1 }, meta)).toEqual({ requestId: 1 })
  })

  it('notifications carry meta when there is any', () => {
    expect(messages.encodeNotification()).toBeUndefined()
    expect(messages.encodeNotification({ requestId: 1 }, {})).toEqual({ requestId: 1 })
    expect(messages.encodeNotification(undefined, { a: 1 })).toEqual({ _meta: { a: 1 } })
  })

  it('every result is complete: a resultType is one more unknown member', () => {
    const result = { content: [], resultType: 'input_required' }
    expect(messages.decodeResult('tools/call', result)).toEqual({ kind: 'complete', result })
  })

  it('null structured content is none, since these revisions know only objects', () => {
    const result = Object.freeze({ content: [], structuredContent: null })
    expect(messages.decodeResult('tools/call', result)).toStrictEqual({ kind: 'complete', result: { content: [] } })
  })

  it('a result that is not what the method promises is invalid', () => {
    expect(messages.decodeResult('tools/list', {})).toMatchObject({ kind: 'invalid', issue: { path: 'result.tools' } })
  })

  it('knows which methods it has; unknown ones belong to extensions', () => {
    const methods = [
      'initialize',
      'ping',
      'tools/call',
      'logging/setLevel',
      'com.example/x',
      'toString',
      'server/discover',
      'subscriptions/listen',
    ]
    expect(methods.map(messages.allowsRequest)).toEqual([true, true, true, true, true, true, false, false])
    expect(['notifications/initialized', 'notifications/com.example/x'].map(messages.allowsNotification)).toEqual([
      true,
      true,
    ])
  })
})

describe('HTTP of the handshake family', () => {
  it.each([
    ['2024-11-05', {}],
    ['2025-03-26', {}],
    ['2025-06-18', { 'mcp-protocol-version': '2025-06-18' }],
    ['2025-11-25', { 'mcp-protocol-version': '2025-11-25' }],
  ] as const)('%s sends %j', (revision, headers) => {
    const family = handshakeFamily(revision)
    expect(family.http.headers({ method: 'tools/list' })).toEqual(headers)
    expect(family.http.headers({ method: 'tools/call', params: { name: 'a' } }, 's')).toEqual({
      ...headers,
      'mcp-session-id': 's',
    })
    expect(family.http.headers(undefined, 's')).toEqual({ ...headers, 'mcp-session-id': 's' })
    expect(family.http.headers({})).toEqual(headers)
  })

  it.each(PROTOCOL_REVISIONS.filter(isHandshakeRevision))(
    '%s: initialize carries neither version nor session',
    revision => {
      expect(handshakeFamily(revision).http.headers({ method: 'initialize' }, 's')).toEqual({})
    },
  )

  it('keeps a session, listens with GET, resumes, answers requests; a disconnect cancels nothing and 404 ends the session', () => {
    expect(http).toMatchObject({
      sessions: true,
      getStream: true,
      resumption: true,
      postsResponses: true,
      disconnectCancels: false,
      notFound: 'session-lost',
    })
    expect(handshakeFamily('2024-11-05').http).toMatchObject({ sessions: false, resumption: false })
  })
})
