export { traceClient, type TraceClientOptions } from './otel/trace-client.ts'
export type { TraceOptions } from './otel/trace-options.ts'
export { traceServer, type TraceServerOptions } from './otel/trace-server.ts'
