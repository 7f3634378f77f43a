import type { CallbackOutcome } from '../oauth/authorizer.ts'

/** Heard by the pages of this origin alone, opener or not: an authorization server may cut every other tie between two windows. */
export const CHANNEL = 'latchkey login'

/** The callback page hands over what it was called with. */
export interface PopupAnswer {
  readonly latchkey: 'answer'
  /** Names this message among those of other windows. */
  readonly id: string
  /** The query of the callback, without its question mark. */
  readonly query: string
}

/** The page that began the login replies. */
export interface PopupReply {
  readonly latchkey: 'reply'
  readonly id: string
  /** Absent while the answer is worked on. */
  readonly outcome?: CallbackOutcome
}

export function isPopupAnswer(value: unknown): value is PopupAnswer {
  return isMessage(value, 'answer') && 'query' in value && typeof value.query === 'string'
}

export function isPopupReply(value: unknown): value is PopupReply {
  return isMessage(value, 'reply')
}

function isMessage(value: unknown, kind: string): value is object {
  if (typeof value !== 'object' || value === null) return false
  return 'latchkey' in value && value.latchkey === kind && 'id' in value && typeof value.id === 'string'
}
