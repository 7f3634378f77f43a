import { isObject } from '../../jsonrpc/message.ts'
import type { WireObject } from '../../protocol/revisions/family.ts'

/**
 * What a server can do in the handshake family where it keeps no sessions: nobody can subscribe to anything, set a level for logs, or be told of changes.
 *
 * @param capabilities as `initialize` tells them
 */
export function withoutSessions(capabilities: WireObject): WireObject {
  const { logging: _logging, ...rest } = capabilities
  const entries = Object.entries(rest).map(([name, value]) => {
    if (!isObject(value)) return [name, value]
    const { listChanged: _listChanged, subscribe: _subscribe, ...kept } = value
    return [name, kept]
  })
  return Object.fromEntries(entries) as WireObject
}
