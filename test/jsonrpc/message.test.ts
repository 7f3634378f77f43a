import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classifyMessage, invalidMessageAnswer } from '../../src/jsonrpc/message.ts'

const reason = (value: unknown): string => {
  const invalid = classifyMessage(value)
  return invalid.kind === 'invalid' ? invalid.reason : invalid.kind
}

const request = { jsonrpc: '2.0', id: 1, method: 'ping' }

describe('classifying what a peer sent', () => {
  it.each([
    ['a request', request, 'request'],
    ['a request with a string id, whatever it holds', { ...request, id: '../../\n$(rm)' }, 'request'],
    ['a request with the id 0', { ...request, id: 0 }, 'request'],
    ['a request with an empty string as id', { ...request, id: '' }, 'request'],
    ['a notification', { jsonrpc: '2.0', method: 'notifications/x' }, 'notification'],
    ['params: null as absent', { ...request, params: null }, 'request'],
    ['a result', { jsonrpc: '2.0', id: 1, result: {} }, 'result'],
    ['a result beside error: null', { jsonrpc: '2.0', id: 1, result: {}, error: null }, 'result'],
    ['an error', { jsonrpc: '2.0', id: 1, error: { code: 1, message: '' } }, 'error'],
    ['an error with id null', { jsonrpc: '2.0', id: null, error: { code: 1, message: '' } }, 'error'],
    ['an error without an id', { jsonrpc: '2.0', error: { code: 1, message: '' } }, 'error'],
  ])('accepts %s', (_name, value, kind) => {
    expect(classifyMessage(value).kind).toBe(kind)
  })

  it.each([
    ['a result that is no object', { jsonrpc: '2.0', id: 1, result: 'x' }],
    ['an error that is no object', { jsonrpc: '2.0', id: 1, error: 'x' }],
    ['an error code that is no integer', { jsonrpc: '2.0', id: 1, error: { code: '1', message: '' } }],
    ['an error without a message', { jsonrpc: '2.0', id: 1, error: { code: 1 } }],
    ['another version', { jsonrpc: '1.0', id: 1, result: {} }],
  ])('keeps the id of an unusable answer, so that its request can fail: %s', (_name, value) => {
    expect(classifyMessage(value)).toMatchObject({ kind: 'invalidResponse', id: 1 })
  })

  it('keeps parameters, and nothing that JSON-RPC does not define', () => {
    expect(classifyMessage({ ...request, params: { a: 1 }, extra: true })).toEqual({
      kind: 'request',
      message: { ...request, params: { a: 1 } },
    })
  })

  it('R-RPC-1 carries the id of an invalid request when it is valid', () => {
    expect(classifyMessage({ jsonrpc: '1.0', id: 'a', method: 'x' })).toMatchObject({
      kind: 'invalid',
      id: 'a',
      code: -32600,
    })
    expect(classifyMessage({ jsonrpc: '2.0', id: 7, method: 7 })).toMatchObject({
      kind: 'invalid',
      id: 7,
      code: -32600,
    })
  })

  it.each([[null], [1.5], [true], [{}], [['a']]])('R-RPC-1 refuses the id %j and does not carry it', id => {
    const invalid = classifyMessage({ jsonrpc: '2.0', id, method: 'x' })
    expect(invalid).toMatchObject({ kind: 'invalid', code: -32600 })
    expect(invalid).not.toHaveProperty('id')
  })

  it('R-RPC-1 checks version, then id, then method', () => {
    expect(reason({ jsonrpc: '1.0', id: null, method: 7 })).toContain('jsonrpc')
    expect(reason({ jsonrpc: '2.0', id: null, method: 7 })).toContain('id ')
    expect(reason({ jsonrpc: '2.0', id: 1, method: 7 })).toContain('method')
    expect(reason({ jsonrpc: '2.0', id: 1, method: 'rpc.discover' })).toContain('rpc.')
    expect(reason({ jsonrpc: '2.0', id: 1 })).toContain('method')
  })

  it('R-RPC-1 takes a method that only contains "rpc."', () => {
    expect(classifyMessage({ ...request, method: 'x/rpc.y' }).kind).toBe('request')
  })

  it('R-RPC-1 refuses string ids that do not match a pattern, when one is given, and does not carry them', () => {
    const idPattern = /^[\w-]{1,64}$/
    expect(classifyMessage({ ...request, id: 'fine-1' }, { idPattern }).kind).toBe('request')
    const refused = classifyMessage({ ...request, id: '<script>' }, { idPattern })
    expect(refused.kind).toBe('invalid')
    expect(refused).not.toHaveProperty('id')
  })

  it('R-RPC-1 answers an invalid message with its id, else with null or without one', () => {
    const invalid = { code: -32600, reason: 'id is odd' }
    const error = { code: -32600, message: 'Invalid Request: id is odd' }
    expect(invalidMessageAnswer({ ...invalid, id: 'a' }, { omitUnknownId: true })).toEqual({
      jsonrpc: '2.0',
      id: 'a',
      error,
    })
    expect(invalidMessageAnswer(invalid, { omitUnknownId: false })).toEqual({ jsonrpc: '2.0', id: null, error })
    expect(invalidMessageAnswer(invalid, { omitUnknownId: true })).toEqual({ jsonrpc: '2.0', error })
  })

  it('answers params that are no object with "invalid params"', () => {
    expect(classifyMessage({ ...request, params: [1] })).toMatchObject({ kind: 'invalid', id: 1, code: -32602 })
    expect(invalidMessageAnswer({ id: 1, code: -32602, reason: 'x' }, { omitUnknownId: true }).error.message).toBe(
      'Invalid params: x',
    )
  })

  it('never throws, whatever it is given', () => {
    const member = fc.oneof(fc.jsonValue(), fc.constant('2.0'), fc.constant(undefined))
    const messageLike = fc.record(
      { jsonrpc: member, id: member, method: member, params: member, result: member, error: member },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(fc.anything(), messageLike), value => {
        const classified = classifyMessage(value)
        if (classified.kind === 'invalid') invalidMessageAnswer(classified, { omitUnknownId: true })
      }),
    )
  })
})
