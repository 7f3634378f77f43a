import { INVALID_PARAMS, RpcError } from '../jsonrpc/errors.ts'
import { isObject } from '../jsonrpc/message.ts'
import type { Icon } from '../protocol/implementation.ts'
import type { MetaObject } from '../protocol/meta.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import { TASKS_EXTENSION } from '../protocol/tasks.ts'
import { type MirroredParameter, readToolHeaders } from '../protocol/tool-headers.ts'
import type { CallToolResult, Tool, ToolAnnotations, ToolInputSchema } from '../protocol/tools.ts'
import type { Answers, Asks, NeedInput } from './asks.ts'
import type { RequiredScopes } from './auth-info.ts'
import type { ServerCall } from './call.ts'
import { createAskingContext, type ToolContext } from './context.ts'
import { DeclinedError, missingCapability, ToolError } from './errors.ts'
import { declaresExtension, type Extension } from './extension.ts'
import { assertFunction, assertOptions, type OptionNames } from './given-options.ts'
import { isGivenUp } from './given-up.ts'
import { isInputRequired, isTaskStart } from './outcome.ts'
import type { AsksContext } from './round.ts'
import { runWithAnswers } from './rounds.ts'
import { assertScopes } from './required-scopes.ts'
import {
  type CompiledSchema,
  compileSchema,
  type InferOutput,
  isObjectSchema,
  type SchemaInput,
  type SchemaIssue,
  type SchemaVerdict,
} from './schema.ts'
import type { SealedStates } from './sealed-state.ts'
import { runWithinCall } from './task-within-call.ts'
import type { Outcome, TaskRunner, TaskStart } from './task-runner.ts'
import { toToolFailure, toToolResult } from './tool-result.ts'

type Promised<Value> = Value | Promise<Value>

/** What a tool is, besides its name and its handler. */
export interface ToolOptions<
  Input extends SchemaInput = SchemaInput,
  Output = SchemaInput,
  Questions extends Asks = Asks,
> {
  readonly title?: string
  /** What it does and when to use it, for a model. */
  readonly description?: string
  /** Its arguments: a Standard Schema, or JSON Schema with an object at its root. Default: no arguments are described, and any are taken. */
  readonly input?: Input
  /** Its structured result. What the handler returns is checked by it. Default: none is promised. */
  readonly output?: Output
  /** Hints on its behaviour. */
  readonly annotations?: ToolAnnotations
  readonly icons?: readonly Icon[]
  readonly _meta?: MetaObject
  /** Scopes that a caller must hold, all of them; `protect` enforces them. A server that is served over HTTP without it refuses the call. */
  readonly scopes?: RequiredScopes<InferOutput<Input>>
  /**
   * What to ask before the handler runs: a pure function, called again after every answer. The handler runs once, with the answers in
   * `ctx.answers`.
   */
  readonly asks?: (args: InferOutput<Input>, context: AsksContext) => Questions | undefined
  /** `required`: every call becomes a task, and clients without the tasks extension are refused (−32021). */
  readonly task?: 'required'
}

/** What a handler may return: see {@link toToolResult}. */
export type ToolReturn<Output> = Output extends SchemaInput
  ? SchemaInput extends Output
    ? unknown
    : InferOutput<Output> | CallToolResult | NeedInput | TaskStart
  : unknown

/** Does what the tool is for. */
export type ToolHandler<Input extends SchemaInput, Output, Questions extends Asks> = (
  args: InferOutput<Input>,
  ctx: ToolContext<Answers<Questions>>,
) => Promised<ToolReturn<Output>>

/** A tool, ready to be listed and called. */
export interface RegisteredTool {
  readonly name: string
  /** As `tools/list` shows it to the newest revision. */
  readonly listing: Tool
  readonly scopes: RequiredScopes<never> | undefined
  /** Arguments that headers repeat. */
  readonly mirrored: readonly MirroredParameter[]
  /** The arguments, judged; undefined when they do not fit. */
  readArguments(params: WireObject): Promise<unknown>
  call(call: ServerCall): Promise<WireObject>
}

const NAME = /^[A-Za-z0-9_.-]{1,128}$/
const OPTIONS: OptionNames<ToolOptions> = {
  title: true,
  description: true,
  input: true,
  output: true,
  annotations: true,
  icons: true,
  _meta: true,
  scopes: true,
  asks: true,
  task: true,
}
const NO_INPUT: ToolInputSchema = { type: 'object' }

/** What tools need of the server. */
export interface ToolSurroundings {
  readonly states: SealedStates
  /** The extension that runs work as tasks, if there is one. */
  findTasks(): (Extension & { readonly tasks: TaskRunner }) | undefined
  /** Hears of what the client must not. */
  report(error: unknown, call: ServerCall): void
}

/**
 * Makes a tool of what its author gave.
 *
 * @throws {TypeError} a name, schema or header annotation that no client could use
 * @see MCP 2026-07-28, Tools
 */
export function createTool(
  name: string,
  options: ToolOptions,
  handler: ToolHandler<SchemaInput, unknown, Asks>,
  { states, findTasks, report }: ToolSurroundings,
): RegisteredTool {
  if (!NAME.test(name))
    throw new TypeError(
      `The tool name ${JSON.stringify(name)} should be 1 to 128 of A-Z a-z 0-9 _ . - (MCP, Tools, Tool Names)`,
    )
  const what = `the tool ${name}`
  assertOptions(what, options, OPTIONS)
  assertFunction(`The handler of ${what}, its third argument,`, handler)
  assertScopes(options.scopes, what)
  const { title, description, annotations, icons, _meta, scopes, asks, task } = options
  if (asks !== undefined) assertFunction(`asks of ${what}`, asks)
  if (task !== undefined && task !== 'required')
    throw new TypeError(`task of ${what} should be 'required' or left out; received ${JSON.stringify(task)}`)
  const input = options.input && compileSchema(options.input, { side: 'input', what: `the input of ${what}` })
  const output = options.output && compileSchema(options.output, { side: 'output', what: `the output of ${what}` })
  const inputSchema = (input?.json ?? NO_INPUT) as ToolInputSchema
  if (!isObjectSchema(inputSchema))
    throw new TypeError(`The input of ${what} should be an object at its root: z.object({…}) or { type: 'object', … }`)
  const headers = readToolHeaders(inputSchema)
  if (!headers.ok) throw new TypeError(`The input of ${what} cannot be used: ${headers.problem}`)

  const settle = async (call: ServerCall, outcome: Outcome): Promise<WireObject> => {
    if ('value' in outcome) return { ...(await toToolResult(name, outcome.value, output)) }
    const { error } = outcome
    if (error instanceof DeclinedError) return { ...toToolFailure(new ToolError(error.message)) }
    if (error instanceof RpcError) throw error
    if (!(error instanceof ToolError) && !isGivenUp(error, call.signal)) report(error, call)
    return { ...toToolFailure(error) }
  }
  const run = async (call: ServerCall): Promise<WireObject> => {
    const tasks = findTasks()
    // The extension is defined for the stateless family only (SEP-2663, Backward Compatibility): others wait for the result.
    const isStateless = call.client.features.family === 'stateless'
    const takesTasks = tasks !== undefined && isStateless && declaresExtension(call, tasks.id)
    if (task === 'required' && !takesTasks)
      throw missingCapability({ extensions: { [TASKS_EXTENSION]: {} } }, `the tool ${name} runs as a task`)
    const verdict = await judge(input, call.params)
    if (!verdict.ok) return toMisfit(name, verdict.issues)
    const args = verdict.value
    const asksOf = asks && ((context: AsksContext) => asks(args, context))
    const outcome = await runWithAnswers(call, states, asksOf, async (answers, state) =>
      handler(args, createAskingContext(call, answers, state)),
    )
    if (isInputRequired(outcome)) return outcome.result
    if (!isTaskStart(outcome)) return settle(call, { value: outcome })
    if (takesTasks) return tasks.tasks.start(call, outcome, end => settle(call, end))
    return settle(call, { value: await runWithinCall(call, outcome) })
  }

  return {
    name,
    listing: {
      name,
      ...(title !== undefined && { title }),
      description: description ?? title ?? name,
      inputSchema,
      ...(output && { outputSchema: output.json }),
      ...(annotations && { annotations }),
      ...(icons && { icons }),
      ...(_meta && { _meta }),
    },
    scopes,
    mirrored: headers.parameters,
    readArguments: async params => {
      const verdict = await judge(input, params)
      return verdict.ok ? verdict.value : undefined
    },
    call: async call => {
      try {
        return await run(call)
      } catch (error) {
        return settle(call, { error })
      }
    },
  }
}

function judge(input: CompiledSchema | undefined, params: WireObject): SchemaVerdict | Promise<SchemaVerdict> {
  const args = params['arguments'] ?? {}
  if (!isObject(args)) throw new RpcError(INVALID_PARAMS, 'Invalid params: arguments is not an object')
  return input ? input.validate(args) : { ok: true, value: args }
}

/** Arguments that do not fit are for the model to mend: a result, not an error (SEP-1303). */
function toMisfit(name: string, issues: readonly SchemaIssue[]): WireObject {
  const lines = issues.map(({ path, message }) => `- ${path === '' ? 'arguments' : path}: ${message}`)
  return { ...toToolFailure(new ToolError(`The arguments of ${name} do not fit:\n${lines.join('\n')}`)) }
}
