import { context, SpanKind, trace } from '@opentelemetry/api'
import type { ClientMiddleware, ClientRequestCall } from '../client/middleware.ts'
import { describeCall } from './call-attributes.ts'
import { recordError, recordResult } from './call-outcome.ts'
import { placeBelowSender, withTraceContext } from './trace-context.ts'
import { isWanted, ownAttributes, type TraceOptions, tracerOf } from './trace-options.ts'

/** How a client's requests are traced. */
export type TraceClientOptions = TraceOptions<ClientRequestCall>

/**
 * Traces the requests of a client: a span of kind CLIENT for each, whose context goes to the server in `_meta`, on every revision. Put it first among
 * the middleware, so that the others are within. A trace parent that the caller gave in `meta` is the span's parent, with a link to the active span;
 * else the active span is.
 *
 * One span covers all that one call of a method takes: questions answered on the way, URLs opened, the task waited for (its polls are spans
 * below). An answer that was kept has a span too. Connecting and `subscribe` are not traced. Without an SDK nothing is recorded, and requests go out as they came.
 *
 * @see {@link https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md | Semantic conventions for MCP, Client}
 */
export function traceClient(options: TraceClientOptions = {}): ClientMiddleware {
  const { propagator, errorMessages = false } = options
  const tracer = tracerOf(options)

  return async (request, next) => {
    const { meta } = request.options
    const { parent, links } = placeBelowSender(meta, propagator)
    const send = (within = parent): Promise<unknown> => {
      const carried = withTraceContext(meta, within, propagator)
      const changed = carried === meta ? request : { ...request, options: { ...request.options, meta: carried ?? {} } }
      return context.with(within, () => next(changed))
    }
    if (!isWanted(options, request)) return send()
    const described = describeCall(request)
    const attributes = {
      ...described.attributes,
      ...(request.revision && { 'mcp.protocol.version': request.revision }),
      ...ownAttributes(options, request),
    }
    const span = tracer.startSpan(described.spanName, { kind: SpanKind.CLIENT, attributes, links }, parent)
    try {
      const result = await send(trace.setSpan(parent, span))
      recordResult(span, result)
      return result
    } catch (error) {
      recordError(span, error, errorMessages)
      throw error
    } finally {
      span.end()
    }
  }
}
