export {
  createStdioClientTransport,
  type RestartPolicy,
  type StdioClientTransportOptions,
} from './stdio/client-transport.ts'
export { connectStdio, type StdioServer } from './stdio/connect.ts'
export { createLineFraming, type LineFraming, type LineFramingOptions } from './stdio/line-framing.ts'
export type { ProcessEnd, ServerListener, ServerProcess, StderrMode } from './stdio/server-process.ts'
export { type ServeStdioOptions, serveStdio } from './stdio/serve-stdio.ts'
