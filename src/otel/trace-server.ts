import { context, type Span, SpanKind, trace } from '@opentelemetry/api'
import { INVALID_PARAMS, METHOD_NOT_FOUND, RpcError } from '../jsonrpc/errors.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import type { ServerCall } from '../server/call.ts'
import { isGivenUp } from '../server/given-up.ts'
import type { NextCall, ServerMiddleware } from '../server/middleware.ts'
import { cutName, type DescribedCall, describeCall } from './call-attributes.ts'
import { recordError, recordFailure, recordResult } from './call-outcome.ts'
import { placeBelowSender, placeBesideSender, type SpanPlace } from './trace-context.ts'
import { isWanted, ownAttributes, type TraceOptions, tracerOf } from './trace-options.ts'

/** How a server's answers are traced. */
export interface TraceServerOptions extends TraceOptions<ServerCall> {
  /**
   * Whether clients are strangers. A client that is the parent of a span decides which trace it belongs to and whether it is kept, which costs
   * money, and its baggage goes on to whatever the handler calls. With `true` a trace begins here, or with the HTTP request, linked to the
   * client's, and the baggage in `_meta` is dropped. Default false.
   */
  readonly publicEndpoint?: boolean
}

/**
 * Traces the requests that a server answers: a span of kind SERVER for each, within whose context the handler runs. Its parent is the client's span
 * in `_meta`, with a link to the active span, such as that of the HTTP request; without one, the active span. Put it first among the middleware.
 *
 * A subscription, which may be open for days, has no span unless it is refused. A call that was given up ends without an error. The session's
 * id is not recorded: where nobody logs in, whoever knows it has the session.
 *
 * @see {@link https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md | Semantic conventions for MCP, Server}
 */
export function traceServer(options: TraceServerOptions = {}): ServerMiddleware {
  const { propagator, errorMessages = false, publicEndpoint = false } = options
  const tracer = tracerOf(options)
  const placeOf = publicEndpoint ? placeBesideSender : placeBelowSender

  return async (call, next) => {
    const place = placeOf(call.meta, propagator)
    if (!isWanted(options, call)) return context.with(place.parent, () => next())
    if (call.method === 'subscriptions/listen') return runUnlessRefused(call, place, next)
    const { span, described } = begin(call, place)
    try {
      const result = await context.with(trace.setSpan(place.parent, span), () => next())
      recordResult(span, result)
      return result
    } catch (error) {
      record(span, error, call, described)
      throw error
    } finally {
      span.end()
    }
  }

  function begin(
    call: ServerCall,
    { parent, links }: SpanPlace,
    startTime?: number,
  ): { readonly span: Span; readonly described: DescribedCall } {
    const described = describeCall(call)
    const attributes = {
      ...described.attributes,
      'mcp.protocol.version': call.client.revision,
      'jsonrpc.request.id': cutName(String(call.id)),
      ...ownAttributes(options, call),
    }
    const settings = { kind: SpanKind.SERVER, attributes, links, ...(startTime !== undefined && { startTime }) }
    return { span: tracer.startSpan(described.spanName, settings, parent), described }
  }

  function record(span: Span, error: unknown, call: ServerCall, described: DescribedCall): void {
    if (!(error instanceof RpcError)) {
      if (!isGivenUp(error, call.signal)) recordFailure(span, error, errorMessages)
      return
    }
    recordError(span, error, errorMessages)
    // Names that nothing here answers to are the caller's invention: a span name for each would be too many.
    if (error.code === METHOD_NOT_FOUND) span.updateName('_OTHER')
    else if (error.code === INVALID_PARAMS) span.updateName(described.method)
  }

  async function runUnlessRefused(call: ServerCall, place: SpanPlace, next: NextCall): Promise<WireObject> {
    const startTime = Date.now()
    try {
      return await context.with(place.parent, () => next())
    } catch (error) {
      const { span, described } = begin(call, place, startTime)
      record(span, error, call, described)
      span.end()
      throw error
    }
  }
}
