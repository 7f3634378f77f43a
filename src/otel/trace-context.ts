import {
  type Context,
  context,
  type Link,
  propagation,
  type SpanContext,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api'
import type { MetaObject } from '../protocol/meta.ts'

/** What W3C baggage may measure at most; a longer value of any key is ignored. */
const MAX_VALUE_LENGTH = 8192

/** `_meta` comes from the world: only its own text counts. */
const getter: TextMapGetter<MetaObject> = {
  keys: meta => Object.keys(meta),
  get: (meta, key) => {
    const value = Object.hasOwn(meta, key) ? meta[key] : undefined
    return typeof value === 'string' && value.length <= MAX_VALUE_LENGTH ? value : undefined
  },
}

const setter: TextMapSetter<Record<string, string>> = {
  set: (carrier, key, value) => {
    carrier[key] = value
  },
}

/** Where a span belongs. */
export interface SpanPlace {
  /** Holds the parent, if there is one. */
  readonly parent: Context
  readonly links: Link[]
}

/**
 * The place of a span by the conventions for MCP: below the sender's span that `_meta` names, with a link to the span that is active here, such as
 * that of the HTTP request; without a sender's, below the active one. What in `_meta` is malformed counts as absent.
 *
 * @see {@link https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md | Semantic conventions for MCP, Context propagation}
 */
export function placeBelowSender(meta: MetaObject | undefined, propagator: TextMapPropagator = propagation): SpanPlace {
  const { parent, sender, ambient } = contextsOf(meta, propagator)
  if (!sender) return { parent, links: [] }
  return { parent, links: ambient && ambient.spanId !== sender.spanId ? [{ context: ambient }] : [] }
}

/** The place of a span whose sender is not trusted with the trace: below the active span or none, with a link to the sender's, without its baggage. */
export function placeBesideSender(
  meta: MetaObject | undefined,
  propagator: TextMapPropagator = propagation,
): SpanPlace {
  const { active, sender } = contextsOf(meta, propagator)
  return { parent: active, links: sender ? [{ context: sender }] : [] }
}

interface Contexts {
  readonly active: Context
  /** With what `_meta` says about it. */
  readonly parent: Context
  readonly sender: SpanContext | undefined
  readonly ambient: SpanContext | undefined
}

function contextsOf(meta: MetaObject | undefined, propagator: TextMapPropagator): Contexts {
  const active = context.active()
  const parent = meta ? propagator.extract(active, meta, getter) : active
  const span = trace.getSpan(active)
  const found = trace.getSpan(parent)
  return {
    active,
    parent,
    sender: found === span ? undefined : found?.spanContext(),
    ambient: span?.spanContext(),
  }
}

/** `meta` with the trace context of `spanContext` in the place of what it had; the same object when there is nothing to write. */
export function withTraceContext(
  meta: MetaObject | undefined,
  spanContext: Context,
  propagator: TextMapPropagator = propagation,
): MetaObject | undefined {
  const written: Record<string, string> = {}
  propagator.inject(spanContext, written, setter)
  if (Object.keys(written).length === 0) return meta
  // What was there has been read; a trace state that belongs to no trace parent must not stay behind.
  const stale = new Set(propagator.fields())
  const kept = Object.entries(meta ?? {}).filter(([key]) => !stale.has(key))
  return { ...Object.fromEntries(kept), ...written }
}
