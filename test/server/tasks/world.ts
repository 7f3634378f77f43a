import { expect } from 'vitest'
import type { RpcError } from '../../../src/jsonrpc/errors.ts'
import type { Task } from '../../../src/protocol/tasks.ts'
import { REVISION_FEATURES } from '../../../src/protocol/revisions.ts'
import type { ServerCall } from '../../../src/server/call.ts'
import type { Extension } from '../../../src/server/extension.ts'
import { OUTCOME } from '../../../src/server/outcome.ts'
import type { Outcome, TaskOptions, TaskWork } from '../../../src/server/task-runner.ts'
import { createMemoryTaskStore, type MemoryTaskStoreOptions } from '../../../src/server/tasks/memory-task-store.ts'
import type { TaskStore } from '../../../src/server/tasks/task-store.ts'
import { type TasksOptions, tasks } from '../../../src/server/tasks/tasks.ts'

type WireObject = Readonly<Record<string, unknown>>

interface CallOptions {
  readonly principal?: string
  /** That the call was let in for. */
  readonly neededScopes?: readonly string[]
  /** Of its token. Default: nobody asks for any. */
  readonly scopes?: readonly string[]
  readonly signal?: AbortSignal
  readonly capabilities?: ServerCall['client']['capabilities']
}

/** A call as the dispatcher would hand it over. */
export function createCall(method: string, params: WireObject, options: CallOptions = {}): ServerCall {
  const { principal, neededScopes, scopes, signal = new AbortController().signal } = options
  const { capabilities = { elicitation: { form: {} }, extensions: { 'io.modelcontextprotocol/tasks': {} } } } = options
  const auth = principal === undefined ? {} : { auth: { principal, scopes: [], claims: {}, token: 'secret' } }
  return {
    id: 1,
    method,
    params,
    meta: {},
    client: { revision: '2026-07-28', features: REVISION_FEATURES['2026-07-28'], capabilities },
    signal,
    request: { jsonrpc: '2.0', id: 1, method, params },
    notify: () => undefined,
    ...auth,
    ...(neededScopes && { neededScopes }),
    ...(scopes && { holds: (needed: readonly string[]) => needed.every(each => scopes.includes(each)) }),
  }
}

/** What a tool's return values and errors become here: as the server does it, without schemas. */
async function toResult(outcome: Outcome): Promise<WireObject> {
  if ('error' in outcome) throw outcome.error
  return { content: [{ type: 'text', text: String(outcome.value) }] }
}

export interface World {
  readonly extension: Extension
  readonly store: TaskStore
  /** What went wrong beside the answers. */
  readonly errors: unknown[]
  start(work: TaskWork, options?: CallOptions & { task?: TaskOptions; toResult?: typeof toResult }): Promise<Task>
  call(method: string, params: WireObject, options?: CallOptions): Promise<WireObject>
  get(taskId: string, options?: CallOptions): Promise<Task>
}

/** A tasks extension and its client. Without a store, one of its own in memory. */
export function createWorld(options: TasksOptions & { memory?: MemoryTaskStoreOptions } = {}): World {
  const { memory, store = createMemoryTaskStore(memory), ...rest } = options
  const errors: unknown[] = []
  const extension = tasks({ store, onError: error => errors.push(error), ...rest })
  const call: World['call'] = async (method, params, callOptions) => {
    const handler = extension.methods?.[method]
    if (!handler) throw new Error(`no method ${method}`)
    return handler(createCall(method, params, callOptions))
  }
  return {
    extension,
    store,
    errors,
    call,
    start: async (work, { task = {}, toResult: own = toResult, ...callOptions } = {}) => {
      const start = { [OUTCOME]: 'task' as const, work, options: task }
      const answer = await extension.tasks!.start(createCall('tools/call', { name: 'work' }, callOptions), start, own)
      return answer as unknown as Task
    },
    get: async (taskId, callOptions) => (await call('tasks/get', { taskId }, callOptions)) as unknown as Task,
  }
}

/** The error that something is refused with. */
export async function errorOf(refused: Promise<unknown>): Promise<RpcError> {
  const error = await refused.then(
    value => expect.fail(`not refused: ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  )
  return error as RpcError
}

/** Work that ends when its signal fires. */
export const untilStopped: TaskWork = ({ signal }) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))

/** Work that never ends. */
export const forever: TaskWork = () => new Promise(() => undefined)
