import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'

export interface Tracing {
  readonly provider: BasicTracerProvider
  /** What has ended, in the order of ending. */
  spans(): readonly ReadableSpan[]
  named(name: string): ReadableSpan
  stop(): void
}

/** What the SDK of an application registers: a provider, a context manager and the W3C propagators. */
export function startTracing(): Tracing {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  )
  return {
    provider,
    spans: () => exporter.getFinishedSpans(),
    named: name => {
      const found = exporter.getFinishedSpans().filter(span => span.name === name)
      if (found.length !== 1)
        throw new Error(
          `${found.length} spans are named ${name}, of ${exporter
            .getFinishedSpans()
            .map(span => span.name)
            .join()}`,
        )
      return found[0]!
    },
    stop: () => {
      trace.disable()
      context.disable()
      propagation.disable()
    },
  }
}
