import {
  type Attributes,
  diag,
  type TextMapPropagator,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import { DEFAULT_CLIENT_INFO } from '../client/client-info.ts'

/** What both sides of a trace take. */
export interface TraceOptions<Call> {
  /** Makes the spans. Default: the global one, looked up when a span begins. */
  readonly tracerProvider?: TracerProvider
  /** Reads and writes the trace context in `_meta`. Default: the global one, which is W3C trace context and baggage once an SDK is registered. */
  readonly propagator?: TextMapPropagator
  /**
   * Attributes of your own; they win over ours. Arguments and results are only ever recorded from here: they may hold secrets. What it throws is
   * logged with `diag`, and the call goes on.
   */
  readonly attributes?: (call: Call) => Attributes
  /** Whether a call gets a span. One without still hands on the trace context. Default: all do. */
  readonly filter?: (call: Call) => boolean
  /**
   * Record the messages of errors, and the stacks of failures. They are written by the other side or by whatever a handler uses, and may repeat
   * arguments, or URLs with passwords in them. Default false: kinds and codes only.
   */
  readonly errorMessages?: boolean
}

/** Makes the spans of one side. */
export function tracerOf({ tracerProvider }: Pick<TraceOptions<never>, 'tracerProvider'>): Tracer {
  const { name, version } = DEFAULT_CLIENT_INFO
  return tracerProvider ? tracerProvider.getTracer(name, version) : trace.getTracer(name, version)
}

/** The attributes that the application adds. Never throws. */
export function ownAttributes<Call>({ attributes }: TraceOptions<Call>, call: Call): Attributes | undefined {
  try {
    return attributes?.(call)
  } catch (error) {
    diag.error('latchkey: the attributes of a span could not be made', error)
    return undefined
  }
}

/** Whether the application wants a span. Never throws: then it does. */
export function isWanted<Call>({ filter }: TraceOptions<Call>, call: Call): boolean {
  try {
    return filter?.(call) ?? true
  } catch (error) {
    diag.error('latchkey: the filter of spans failed', error)
    return true
  }
}
