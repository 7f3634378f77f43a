import { INVALID_REQUEST } from '../../jsonrpc/errors.ts'
import type { ClassifiedMessage } from '../../jsonrpc/message.ts'
import type { RevisionFeatures } from '../../protocol/revisions.ts'
import { MAX_RUNNING } from '../../server/handshake-session.ts'
import { classifyIncoming, isStatelessMessage } from '../../server/incoming.ts'

/** Messages that one batch may hold: as many as a session may have under way, for they run side by side. */
export const MAX_BATCH_MESSAGES: number = MAX_RUNNING

/** What a batch holds, or why it is refused. */
export type ReadBatch =
  | { readonly ok: true; readonly messages: readonly ClassifiedMessage[] }
  | { readonly ok: false; readonly why: string }

/** Reads a batch of revision 2025-03-26, the only one that has them. */
export function readBatch(values: readonly unknown[], features: RevisionFeatures): ReadBatch {
  if (!features.batches) return { ok: false, why: 'this revision has no batches: send every message by itself' }
  if (values.length === 0) return { ok: false, why: 'the batch is empty' }
  if (values.length > MAX_BATCH_MESSAGES)
    return { ok: false, why: `a batch holds at most ${MAX_BATCH_MESSAGES} messages` }
  return { ok: true, messages: values.map(value => readMember(value)) }
}

function readMember(value: unknown): ClassifiedMessage {
  const received = classifyIncoming(value)
  if (received.kind !== 'request') return received
  const { id, method } = received.message
  if (method !== 'initialize' && !isStatelessMessage(received.message)) return received
  return { kind: 'invalid', id, code: INVALID_REQUEST, reason: `${method.slice(0, 80)} cannot be part of a batch` }
}
