/** `_meta` key of the W3C trace parent: reserved, un-prefixed, passed untouched. @see https://www.w3.org/TR/trace-context/ */
export const TRACEPARENT_META_KEY = 'traceparent'

/** `_meta` key of the W3C trace state: reserved, un-prefixed, passed untouched. @see https://www.w3.org/TR/trace-context/ */
export const TRACESTATE_META_KEY = 'tracestate'

/** `_meta` key of W3C baggage: reserved, un-prefixed, passed untouched. @see https://www.w3.org/TR/baggage/ */
export const BAGGAGE_META_KEY = 'baggage'

/** The reserved trace-context keys of `_meta`, in the order the specification lists them. */
export const TRACE_CONTEXT_META_KEYS: readonly [
  typeof TRACEPARENT_META_KEY,
  typeof TRACESTATE_META_KEY,
  typeof BAGGAGE_META_KEY,
] = [TRACEPARENT_META_KEY, TRACESTATE_META_KEY, BAGGAGE_META_KEY]
