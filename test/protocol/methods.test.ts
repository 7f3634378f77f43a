import { describe, expectTypeOf, it } from 'vitest'
import type {
  ClientNotification,
  ClientRequest,
  ServerNotification,
  ServerRequest,
} from '../../src/protocol/methods.ts'
import type { ClientResult } from '../../src/protocol/result-shapes.ts'
import type { CallToolRequestParams, CallToolResult } from '../../src/protocol/tools.ts'

describe('the map of methods', () => {
  it('gives a request its parameters by its method', () => {
    expectTypeOf<Extract<ClientRequest, { method: 'tools/call' }>['params']>().toEqualTypeOf<CallToolRequestParams>()
  })

  it('lets parameters be absent where all of them are optional, and only there', () => {
    expectTypeOf<{ method: 'tools/list' }>().toExtend<ClientRequest>()
    expectTypeOf<{ method: 'roots/list' }>().toExtend<ServerRequest>()
    expectTypeOf<{ method: 'notifications/initialized' }>().toExtend<ClientNotification>()
    expectTypeOf<{ method: 'notifications/tools/list_changed' }>().toExtend<ServerNotification>()
    expectTypeOf<{ method: 'tools/call' }>().not.toExtend<ClientRequest>()
    expectTypeOf<{ method: 'notifications/progress' }>().not.toExtend<ServerNotification>()
  })

  it('gives a known method its result and an unknown one an object', () => {
    expectTypeOf<ClientResult<'tools/call'>>().toEqualTypeOf<CallToolResult>()
    expectTypeOf<ClientResult<'com.example/x'>>().toEqualTypeOf<Readonly<Record<string, unknown>>>()
  })
})
