import type { ElicitRequestURLParams } from '../protocol/elicitation.ts'
import type { CreateMessageRequestParams, CreateMessageResult } from '../protocol/sampling.ts'
import type { Root } from '../protocol/roots.ts'
import { OUTCOME } from './outcome.ts'
import type { InferOutput, SchemaInput } from './schema.ts'

/** Asks for a form to be filled in. Made by {@link elicit}. */
export interface FormAsk<Answer> {
  readonly kind: 'form'
  readonly message: string
  readonly schema: SchemaInput<Answer>
  readonly mayDecline: boolean
}

/** Asks for a page to be opened. Made by {@link elicitUrl}. */
export interface UrlAsk<Answer> {
  readonly kind: 'url'
  readonly params: Pick<ElicitRequestURLParams, 'message' | 'url'>
  readonly mayDecline: boolean
  /** Only for its type. */
  readonly answer?: Answer
}

/** Asks for a model's answer. Made by {@link sample}. */
export interface SamplingAsk {
  readonly kind: 'sampling'
  readonly params: CreateMessageRequestParams
}

/** Asks for the client's roots. Made by {@link listRoots}. */
export interface RootsAsk {
  readonly kind: 'roots'
}

/** One question to the client. */
export type Ask = FormAsk<unknown> | UrlAsk<unknown> | SamplingAsk | RootsAsk

/** Questions by a name that the author chooses; those without a value are not asked. */
export type Asks = Readonly<Record<string, Ask | undefined>>

/** What the answer to a question is, for the handler. */
export type AnswerTo<Question> =
  Question extends FormAsk<infer Answer>
    ? Answer
    : Question extends UrlAsk<infer Answer>
      ? Answer
      : Question extends SamplingAsk
        ? CreateMessageResult
        : Question extends RootsAsk
          ? readonly Root[]
          : undefined

/** The answers to questions, by their names. */
export type Answers<Questions> = { readonly [Name in keyof Questions]: AnswerTo<Questions[Name]> }

/**
 * Asks the user to fill in a form. The answer is the content, checked by the schema. When the user declines, the call ends and says so, unless
 * `mayDecline`: then the answer is `undefined`.
 *
 * @param options `schema`: a flat object of strings, numbers, booleans and choices, as Standard Schema or JSON Schema
 * @see MCP 2026-07-28, Elicitation
 */
export function elicit<Schema extends SchemaInput>(options: {
  readonly message: string
  readonly schema: Schema
  readonly mayDecline?: false
}): FormAsk<InferOutput<Schema>>
export function elicit<Schema extends SchemaInput>(options: {
  readonly message: string
  readonly schema: Schema
  readonly mayDecline: true
}): FormAsk<InferOutput<Schema> | undefined>
export function elicit(options: {
  readonly message: string
  readonly schema: SchemaInput
  readonly mayDecline?: boolean
}): FormAsk<unknown> {
  return { kind: 'form', message: options.message, schema: options.schema, mayDecline: options.mayDecline ?? false }
}

/**
 * Asks the user to open a page: for what must not pass through the client, such as a password or a payment. The answer is `true`, which means that
 * the user agreed to open it, not that anything was done there. When the user declines, the call ends and says so, unless `mayDecline`: then the
 * answer is `false`.
 *
 * @see MCP 2025-11-25, URL mode elicitation
 */
export function elicitUrl(options: {
  readonly message: string
  readonly url: string
  readonly mayDecline?: boolean
}): UrlAsk<boolean> {
  const { message, url, mayDecline = false } = options
  return { kind: 'url', params: { message, url }, mayDecline }
}

/** Asks the client's model. Deprecated by the protocol. @see MCP 2026-07-28, Sampling */
export function sample(params: CreateMessageRequestParams): SamplingAsk {
  return { kind: 'sampling', params }
}

/** Asks for the client's roots. Deprecated by the protocol. @see MCP 2026-07-28, Roots */
export function listRoots(): RootsAsk {
  return { kind: 'roots' }
}

/** What a handler returns when it finds out midway that it needs answers: it is called again with them, and with `state`. */
export interface NeedInput {
  /** A symbol, so that no data can pass for it. */
  readonly [OUTCOME]: 'need-input'
  readonly asks: Asks
  readonly state: unknown
}

/**
 * Ends this run of a handler with questions. When they are answered it runs again from its start, with the answers in `ctx.answers` and `state`
 * in `ctx.state`, on every revision. Answers are checked by the form as it was sent, as JSON Schema: what a Standard Schema checks or changes
 * beyond that is for the handler to do.
 *
 * @param options `state`: JSON; it travels through the client encrypted where the protocol has no sessions
 */
export function needInput(options: { readonly asks: Asks; readonly state?: unknown }): NeedInput {
  return { [OUTCOME]: 'need-input', asks: options.asks, state: options.state }
}
