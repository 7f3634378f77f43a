import type { WireObject } from '../protocol/revisions/family.ts'
import type { RequestContext } from './context.ts'

/** What an argument may be completed by. */
export interface CompletionContext extends RequestContext {
  /** Arguments that already have a value (since 2025-06-18). */
  readonly arguments: Readonly<Record<string, string>>
}

/** Suggests values for what was typed so far, best first; only the first 100 are sent. */
export type Complete = (value: string, ctx: CompletionContext) => readonly string[] | Promise<readonly string[]>

const MAX_VALUES = 100

/** Suggestions as they travel. */
export function toCompleteResult(values: readonly string[]): WireObject {
  const total = values.length
  const completion = { values: values.slice(0, MAX_VALUES), total, hasMore: total > MAX_VALUES }
  return { completion }
}
