import type { ProcessEnd, ServerListener, ServerProcess } from '../../src/stdio/server-process.ts'

/** One server "process" whose other side is the test. */
export interface ScriptedProcess extends ServerProcess {
  /** Everything that was written to it, parsed. */
  readonly received: any[]
  readonly listener: ServerListener
  /** Writes a message, as one more thing the server says. */
  say(message: object): void
  end(end?: Partial<ProcessEnd>): void
  isClosed: boolean
}

export type Script = (message: any, process: ScriptedProcess) => void

export interface ScriptedServer {
  /** Every process that was started. */
  readonly processes: ScriptedProcess[]
  readonly start: (listener: ServerListener) => Promise<ServerProcess>
}

/** A server that starts at once and answers by a script, which may be given anew for each process. */
export function scriptedServer(...scripts: readonly Script[]): ScriptedServer {
  const processes: ScriptedProcess[] = []
  return {
    processes,
    start: async listener => {
      const script = scripts[Math.min(processes.length, scripts.length - 1)]
      let finish: (end: ProcessEnd) => void = () => undefined
      const process: ScriptedProcess = {
        received: [],
        listener,
        isClosed: false,
        ended: new Promise(resolve => (finish = resolve)),
        say: message => queueMicrotask(() => listener.message({ jsonrpc: '2.0', ...message })),
        end: (end = {}) => finish({ how: 'ended with exit code 1', exitCode: 1, stderr: '', ...end }),
        write: async line => {
          const message: unknown = JSON.parse(line)
          process.received.push(message)
          script?.(message, process)
        },
        close: async () => {
          process.isClosed = true
          process.end({ how: 'ended with exit code 0', exitCode: 0 })
        },
      }
      processes.push(process)
      return process
    },
  }
}

const discovered = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, resultType: 'complete' }
const cached = { ttlMs: 0, cacheScope: 'private' }

/** A server of the stateless revision: says which process answered as the text of every tool call. */
export const stateless: Script = (message, process) => {
  const { id, method, params } = message
  if (method === 'server/discover') process.say({ id, result: { ...discovered, ...cached } })
  if (method === 'initialize')
    process.say({ id, error: { code: -32022, message: 'No', data: { supported: ['2026-07-28'], requested: '?' } } })
  if (method === 'tools/call') answerCall(id, params, process)
}

/** A server of the handshake revisions. */
export const handshake: Script = (message, process) => {
  const { id, method, params } = message
  if (method === 'server/discover') process.say({ id, error: { code: -32601, message: 'Method not found' } })
  if (method === 'initialize')
    process.say({
      id,
      result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } },
    })
  if (method === 'tools/call') answerCall(id, params, process)
}

/** The tool `die` ends the process, `hang` is not answered. */
function answerCall(id: unknown, params: any, process: ScriptedProcess): void {
  if (params.name === 'die') process.end({ stderr: 'out of memory' })
  else if (params.name !== 'hang')
    process.say({ id, result: { content: [{ type: 'text', text: params.name }], resultType: 'complete' } })
}
