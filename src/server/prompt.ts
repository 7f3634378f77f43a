import { INTERNAL_ERROR, INVALID_PARAMS, RpcError } from '../jsonrpc/errors.ts'
import { isObject } from '../jsonrpc/message.ts'
import type { ContentBlock } from '../protocol/content.ts'
import type { Icon } from '../protocol/implementation.ts'
import type { MetaObject } from '../protocol/meta.ts'
import type { GetPromptResult, Prompt, PromptMessage } from '../protocol/prompts.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import type { Answers, Asks, NeedInput } from './asks.ts'
import type { RequiredScopes } from './auth-info.ts'
import type { ServerCall } from './call.ts'
import type { Complete } from './completion.ts'
import { isContentBlock, text } from './content.ts'
import { type AskingContext, createAskingContext } from './context.ts'
import { asComplete } from './encode-result.ts'
import { assertFunction, assertOptions, type OptionNames } from './given-options.ts'
import { isInputRequired } from './outcome.ts'
import { assertScopes } from './required-scopes.ts'
import type { AsksContext } from './round.ts'
import { runWithAnswers } from './rounds.ts'
import type { SealedStates } from './sealed-state.ts'

/** An argument of a prompt; its value is text. */
export interface PromptArgumentOptions {
  readonly title?: string
  readonly description?: string
  /** Default false. */
  readonly required?: boolean
  readonly complete?: Complete
}

/**
 * Arguments by name, and which of them are required. Written so that the compiler finds that out also beside functions whose parameters have no
 * types of their own.
 */
export type PromptArgumentsOptions<Required> = {
  readonly [Name in keyof Required]: PromptArgumentOptions & { readonly required?: Required[Name] }
}

/** What a prompt is, besides its name and its handler. */
export interface PromptOptions<
  Required extends Readonly<Record<string, unknown>> = Readonly<Record<string, boolean>>,
  Questions extends Asks = Asks,
> {
  readonly title?: string
  readonly description?: string
  /** Its arguments by name, in the order in which they are shown. */
  readonly arguments?: PromptArgumentsOptions<Required>
  readonly icons?: readonly Icon[]
  readonly _meta?: MetaObject
  /** Scopes that a caller must hold, all of them; `protect` enforces them. */
  readonly scopes?: RequiredScopes<PromptArguments<Required>>
  /** What to ask before the handler runs, as for tools. */
  readonly asks?: (args: PromptArguments<Required>, context: AsksContext) => Questions | undefined
}

/** The values of a prompt's arguments, by which of them are required. */
export type PromptArguments<Required> = {
  readonly [Name in keyof Required]: Required[Name] extends true ? string : string | undefined
}

/** One message of a prompt; text and content blocks are the user's. */
type PromptPiece = string | ContentBlock | PromptMessage

/** What a handler may return: text, content, messages, a list of them, or everything. */
export type PromptReturn = PromptPiece | readonly PromptPiece[] | GetPromptResult

/** Writes the prompt. */
export type PromptHandler<Required, Questions extends Asks> = (
  args: PromptArguments<Required>,
  ctx: AskingContext<Answers<Questions>>,
) => PromptReturn | NeedInput | Promise<PromptReturn | NeedInput>

/** A prompt, ready to be listed and written. */
export interface RegisteredPrompt {
  readonly name: string
  readonly listing: Prompt
  readonly scopes: RequiredScopes<never> | undefined
  readonly complete: Readonly<Record<string, Complete | undefined>>
  /** The arguments, judged. @throws {RpcError} −32602 naming the argument */
  readArguments(params: WireObject): Readonly<Record<string, string>>
  get(call: ServerCall): Promise<WireObject>
}

const OPTIONS: OptionNames<PromptOptions> = {
  title: true,
  description: true,
  arguments: true,
  icons: true,
  _meta: true,
  scopes: true,
  asks: true,
}
const ARGUMENT_OPTIONS: OptionNames<PromptArgumentOptions> = {
  title: true,
  description: true,
  required: true,
  complete: true,
}

/** Makes a prompt of what its author gave. @throws {TypeError} the name is empty, or an option does not exist */
export function createPrompt(
  name: string,
  options: PromptOptions,
  handler: PromptHandler<Readonly<Record<string, unknown>>, Asks>,
  states: SealedStates,
): RegisteredPrompt {
  if (name === '') throw new TypeError('A prompt should have a name')
  const what = `the prompt ${name}`
  assertOptions(what, options, OPTIONS)
  assertFunction(`The handler of ${what}, its third argument,`, handler)
  assertScopes(options.scopes, what)
  const { title, description = title ?? name, icons, _meta, scopes, asks } = options
  if (asks !== undefined) assertFunction(`asks of ${what}`, asks)
  const declared = readDeclared(what, options.arguments ?? {})
  const readArguments: RegisteredPrompt['readArguments'] = params => {
    const given = params['arguments'] ?? {}
    if (!isObject(given)) throw new RpcError(INVALID_PARAMS, 'Invalid params: arguments is not an object')
    for (const [argument, { required }] of declared) {
      if (required && !Object.hasOwn(given, argument))
        throw new RpcError(INVALID_PARAMS, `The prompt ${name} needs the argument ${argument}`)
    }
    for (const [argument, value] of Object.entries(given)) {
      if (typeof value !== 'string')
        throw new RpcError(
          INVALID_PARAMS,
          `The argument ${argument.slice(0, 80)} of the prompt ${name} should be a string`,
        )
    }
    return given as Readonly<Record<string, string>>
  }
  return {
    name,
    scopes,
    readArguments,
    complete: Object.fromEntries(declared.map(([argument, { complete }]) => [argument, complete])),
    listing: {
      name,
      ...(title !== undefined && { title }),
      description,
      ...(declared.length > 0 && {
        arguments: declared.map(([argument, { complete: _complete, required = false, ...rest }]) => ({
          name: argument,
          ...rest,
          required,
        })),
      }),
      ...(icons && { icons }),
      ...(_meta && { _meta }),
    },
    get: async call => {
      const args = readArguments(call.params)
      const outcome = await runWithAnswers(
        call,
        states,
        asks && (context => asks(args, context)),
        async (answers, state) => handler(args, createAskingContext(call, answers, state)),
      )
      return isInputRequired(outcome) ? outcome.result : toPromptResult(name, outcome)
    },
  }
}

/** Lists, and schemas of a library, are what other SDKs take: they would pass for arguments with odd names. */
function readDeclared(
  what: string,
  given: Readonly<Record<string, PromptArgumentOptions>>,
): readonly (readonly [string, PromptArgumentOptions])[] {
  if (!isObject(given) || '~standard' in given)
    throw new TypeError(`arguments of ${what} should be a record by name, such as { day: { required: true } }`)
  const declared = Object.entries(given)
  for (const [argument, options] of declared)
    assertOptions(`the argument ${argument} of ${what}`, options, ARGUMENT_OPTIONS)
  return declared
}

function toPromptResult(name: string, value: unknown): WireObject {
  if (isObject(value) && Array.isArray(value['messages'])) {
    if (value['messages'].every(each => toMessage(each) === each)) return asComplete(value)
    throw notAPrompt(name)
  }
  const messages = (Array.isArray(value) ? value : [value]).map(toMessage)
  if (messages.every(each => each !== undefined)) return { messages }
  throw notAPrompt(name)
}

function notAPrompt(name: string): RpcError {
  return new RpcError(INTERNAL_ERROR, 'The prompt could not be written', {
    cause: new TypeError(`The handler of ${name} should return text, messages, or { messages }`),
  })
}

function toMessage(value: unknown): PromptMessage | undefined {
  if (typeof value === 'string') return { role: 'user', content: text(value) }
  if (isContentBlock(value)) return { role: 'user', content: value }
  const isMessage =
    isObject(value) && (value['role'] === 'user' || value['role'] === 'assistant') && isContentBlock(value['content'])
  return isMessage ? (value as unknown as PromptMessage) : undefined
}
