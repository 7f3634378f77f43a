/** Characters that a stream keeps so that it can be taken up again. */
const MAX_KEPT_LENGTH = 1024 * 1024
/** Events that it keeps. */
export const MAX_KEPT_EVENTS = 256

/** One event of a stream, as it is written. */
export interface StreamEvent {
  /** Counts the events of the stream, from 1. */
  readonly number: number
  readonly text: string
  /** It may be left out where there is no room. */
  readonly mayDrop: boolean
  /** The resource that it tells of: it is only for those who may hear of that. */
  readonly uri?: string | undefined
}

/** What a stream has sent, as much of it as is kept. */
export interface EventHistory {
  add(event: StreamEvent): void
  /** Forgets what exceeds the limits, the oldest first, but before it what may be dropped. The newest event always stays. */
  trim(maxEvents?: number, maxLength?: number): void
  /** The events after one, in order. */
  after(number: number): readonly StreamEvent[]
  /** Characters that are kept. */
  readonly length: number
}

/** Makes the history of a stream that can be taken up again. */
export function createEventHistory(): EventHistory {
  let events: StreamEvent[] = []
  let length = 0
  return {
    get length() {
      return length
    },
    add: event => {
      events.push(event)
      length += event.text.length
    },
    trim: (maxEvents = MAX_KEPT_EVENTS, maxLength = MAX_KEPT_LENGTH) => {
      if (events.length <= maxEvents && length <= maxLength) return
      const newest = events.at(-1)
      let count = events.length
      const forget = (mayGo: (event: StreamEvent) => boolean): void => {
        events = events.filter(event => {
          // The newest may be the answer.
          if ((count <= maxEvents && length <= maxLength) || event === newest || !mayGo(event)) return true
          count -= 1
          length -= event.text.length
          return false
        })
      }
      forget(({ mayDrop }) => mayDrop)
      forget(() => true)
    },
    after: number => events.filter(event => event.number > number),
  }
}
