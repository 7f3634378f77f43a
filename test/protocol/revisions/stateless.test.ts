import { describe, expect, it } from 'vitest'
import { statelessFamily } from '../../../src/protocol/revisions/stateless.ts'

const client = { capabilities: { elicitation: {} }, clientInfo: { name: 'otters', version: '1' } }
const { messages, http, interaction, subscriptions } = statelessFamily('2026-07-28', client)
const identity = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': client.capabilities,
  'io.modelcontextprotocol/clientInfo': client.clientInfo,
}

describe('messages of the stateless family', () => {
  it('every request says its revision, who asks and what the client can do', () => {
    expect(messages.encodeRequest()).toEqual({ _meta: identity })
    expect(messages.encodeRequest({ cursor: 'n' }, { meta: {} })).toEqual({ cursor: 'n', _meta: identity })
  })

  it('a client that does not name itself sends no clientInfo', () => {
    const anonymous = statelessFamily('2026-07-28', { capabilities: {} })
    expect(Object.keys(anonymous.messages.encodeRequest()?.['_meta'] as object).sort()).toEqual([
      'io.modelcontextprotocol/clientCapabilities',
      'io.modelcontextprotocol/protocolVersion',
    ])
  })

  it('R-META-2 meta is merged; progress token, log level and identity win over it, on a copy', () => {
    const meta = Object.freeze({
      a: 1,
      progressToken: 'theirs',
      'io.modelcontextprotocol/protocolVersion': '1900-01-01',
      'io.modelcontextprotocol/clientCapabilities': { sampling: {} },
      'io.modelcontextprotocol/logLevel': 'debug',
    })
    const params = Object.freeze({ name: 'search' })
    expect(messages.encodeRequest(params, { meta, progressToken: 7, logLevel: 'error' })).toEqual({
      name: 'search',
      _meta: { a: 1, progressToken: 7, 'io.modelcontextprotocol/logLevel': 'error', ...identity },
    })
    expect(messages.encodeRequest(params, { meta })).toEqual({
      name: 'search',
      _meta: { a: 1, progressToken: 'theirs', 'io.modelcontextprotocol/logLevel': 'debug', ...identity },
    })
    expect(meta['io.modelcontextprotocol/protocolVersion']).toBe('1900-01-01')
  })

  it('notifications carry no identity', () => {
    expect(messages.encodeNotification({ requestId: 1 })).toEqual({ requestId: 1 })
    expect(messages.encodeNotification({ requestId: 1 }, { a: 1 })).toEqual({ requestId: 1, _meta: { a: 1 } })
  })

  it.each([[{ content: [] }], [{ content: [], resultType: 'complete' }], [{ content: [], resultType: null }]])(
    '%j is complete',
    result => {
      expect(messages.decodeResult('tools/call', result)).toEqual({ kind: 'complete', result })
    },
  )

  it('null structured content is a value', () => {
    const result = { content: [], structuredContent: null }
    expect(messages.decodeResult('tools/call', result)).toStrictEqual({ kind: 'complete', result })
  })

  it.each(['tools/call', 'prompts/get', 'resources/read'])('%s may be answered with questions', method => {
    const result = { resultType: 'input_required', requestState: 's', inputRequests: { a: { method: 'roots/list' } } }
    expect(messages.decodeResult(method, result)).toEqual({ kind: 'input-required', result })
  })

  it.each(['tools/list', 'server/discover', 'completion/complete'])('%s may not', method => {
    expect(messages.decodeResult(method, { resultType: 'input_required', requestState: 's' })).toMatchObject({
      kind: 'invalid',
      issue: { message: 'result.resultType: expected "complete", received string' },
    })
  })

  it.each([['task'], [7], [{}]])('resultType %j is invalid: the client does not know how to read it', resultType => {
    expect(messages.decodeResult('tools/call', { content: [], resultType })).toMatchObject({
      kind: 'invalid',
      issue: { path: 'result.resultType' },
    })
  })

  it.each([
    [{}, 'result: expected an object with inputRequests or requestState, received object'],
    [{ requestState: 5 }, 'result.requestState: expected a string, received number'],
    [
      { inputRequests: { a: { method: 'ping' } } },
      'result.inputRequests.a.method: expected "elicitation/create" or "sampling/createMessage" or "roots/list", received string',
    ],
    [
      { inputRequests: { a: { method: 'elicitation/create' } } },
      'result.inputRequests.a.params: expected an object, received nothing',
    ],
    [
      { inputRequests: { a: { method: 'elicitation/create', params: { mode: 'url', message: 'Go' } } } },
      'result.inputRequests.a.params.url: expected a string, received nothing',
    ],
    [
      { inputRequests: { a: { method: 'elicitation/create', params: { mode: 'voice', message: 'Go' } } } },
      'result.inputRequests.a.params.mode: expected "form" or "url", received string',
    ],
    [
      { inputRequests: { a: { method: 'elicitation/create', params: { mode: null, message: 'Go' } } } },
      'result.inputRequests.a.params.requestedSchema: expected an object, received nothing',
    ],
    [
      {
        inputRequests: {
          a: {
            method: 'sampling/createMessage',
            params: { messages: [{ role: 'user', content: [{ type: 'text' }] }], maxTokens: 1 },
          },
        },
      },
      'result.inputRequests.a.params.messages[0].content[0].text: expected a string, received nothing',
    ],
  ])('questions that cannot be read are invalid: %j', (result, message) => {
    expect(messages.decodeResult('tools/call', { resultType: 'input_required', ...result })).toMatchObject({
      kind: 'invalid',
      issue: { message },
    })
  })

  it('knows which methods it has; unknown ones belong to extensions', () => {
    const methods = [
      'server/discover',
      'subscriptions/listen',
      'tools/call',
      'tasks/get',
      'initialize',
      'ping',
      'logging/setLevel',
      'resources/subscribe',
    ]
    expect(methods.map(messages.allowsRequest)).toEqual([true, true, true, true, false, false, false, false])
    expect(['notifications/cancelled', 'notifications/initialized'].map(messages.allowsNotification)).toEqual([
      true,
      false,
    ])
  })
})

describe('HTTP of the stateless family', () => {
  const version = { 'mcp-protocol-version': '2026-07-28' }

  it.each([
    [{ method: 'tools/list', params: { name: 'no' } }, { 'mcp-method': 'tools/list' }],
    [
      { method: 'tools/call', params: { name: 'search' } },
      { 'mcp-method': 'tools/call', 'mcp-name': 'search' },
    ],
    [
      { method: 'prompts/get', params: { name: 'grüße' } },
      { 'mcp-method': 'prompts/get', 'mcp-name': '=?base64?Z3LDvMOfZQ==?=' },
    ],
    [
      { method: 'resources/read', params: { uri: 'file:///a', name: 'no' } },
      { 'mcp-method': 'resources/read', 'mcp-name': 'file:///a' },
    ],
    [{ method: 'tools/call' }, { 'mcp-method': 'tools/call' }],
    [{ method: 'toString', params: { name: 'no' } }, { 'mcp-method': 'toString' }],
    [{}, {}],
    [undefined, {}],
  ])('%j is sent with %j', (message, headers) => {
    expect(http.headers(message)).toEqual({ ...version, ...headers })
  })

  it('sends no session id, whatever it is given', () => {
    expect(http.headers({ method: 'tools/list' }, 's')).toEqual({ ...version, 'mcp-method': 'tools/list' })
  })

  it('the version header is that of the body', () => {
    const params = messages.encodeRequest({}, { meta: { 'io.modelcontextprotocol/protocolVersion': '1900-01-01' } })
    expect(params?.['_meta']).toMatchObject({
      'io.modelcontextprotocol/protocolVersion': http.headers({ method: 'x', params })['mcp-protocol-version'],
    })
  })

  it('has no session, no GET, no resumption, no client responses; a disconnect cancels and 404 is about the method', () => {
    expect(http).toMatchObject({
      sessions: false,
      getStream: false,
      resumption: false,
      postsResponses: false,
      disconnectCancels: true,
      notFound: 'method-not-found',
    })
    expect([interaction.style, subscriptions.style]).toEqual(['input-required', 'listen'])
  })
})
