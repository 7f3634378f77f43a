import { INVALID_PARAMS, METHOD_NOT_FOUND, RpcError } from '../jsonrpc/errors.ts'
import type { ClientCapabilities } from '../protocol/capabilities.ts'
import type { ElicitRequestFormParams, ElicitRequestURLParams, ElicitResult } from '../protocol/elicitation.ts'
import { createMessageRequestParams, elicitRequestParams } from '../protocol/input-required-shapes.ts'
import type { InputResponse } from '../protocol/input-required.ts'
import type { Root } from '../protocol/roots.ts'
import type { CreateMessageRequestParams, CreateMessageResult } from '../protocol/sampling.ts'
import { readShape, type Shape } from '../protocol/shape.ts'
import { completeForm } from './elicitation-form.ts'

/** URLs whose completion is waited for at once; servers need not tell of any. */
const MAX_COMPLETIONS = 1_000

/** What a handler is told besides the question. */
export interface InteractionContext {
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** Asks the user to fill in a form. Members that the answer leaves out get the form's defaults. */
export type FormElicitationHandler = (
  ask: ElicitRequestFormParams,
  context: InteractionContext,
) => ElicitResult | Promise<ElicitResult>

/** Asks the user whether to open a URL, and opens it. Show the whole URL first; never open it unasked. */
export type UrlElicitationHandler = (
  ask: ElicitRequestURLParams,
  context: InteractionContext & {
    /** Resolves when the server says that what happens at the URL is done, mostly after the answer; only revision 2025-11-25 does, and it need not. */
    readonly completed: Promise<void>
  },
) => ElicitResult | Promise<ElicitResult>

/** Asks a model, under the user's control. */
export type SamplingHandler = (
  ask: CreateMessageRequestParams,
  context: InteractionContext,
) => CreateMessageResult | Promise<CreateMessageResult>

/** What the client can do when the server asks back. What is present is declared to the server, and nothing else. */
export interface InteractionHandlers {
  /** Asks the user. Since 2025-06-18; URLs since 2025-11-25. */
  readonly elicitation?: { readonly form?: FormElicitationHandler; readonly url?: UrlElicitationHandler }
  /** Asks a model; with `tools`, one that can use tools (since 2025-11-25). Deprecated by the protocol. */
  readonly sampling?: SamplingHandler | { readonly handler: SamplingHandler; readonly tools?: boolean }
  /** The folders and files that the server may work on, or how to find them. Deprecated by the protocol. */
  readonly roots?: readonly Root[] | (() => readonly Root[] | Promise<readonly Root[]>)
}

/** The capabilities that the handlers amount to, below what is declared by hand. */
export function interactionCapabilities(
  { elicitation, sampling, roots }: InteractionHandlers,
  declared: ClientCapabilities,
): ClientCapabilities {
  const asks = elicitation?.form ?? elicitation?.url
  return {
    ...(asks && {
      elicitation: { ...(elicitation?.form && { form: {} }), ...(elicitation?.url && { url: {} }) },
    }),
    ...(sampling && { sampling: typeof sampling === 'object' && sampling.tools === true ? { tools: {} } : {} }),
    ...(roots && { roots: { listChanged: true } }),
    ...declared,
  }
}

/** A question of the server, however it came. */
export interface Question {
  readonly method: string
  readonly params?: unknown
}

/** Answers the server's questions. */
export interface Interaction {
  /** What the question asks for, when that cannot be answered here; undefined when it can. Asks nobody. */
  objection(question: Question): string | undefined
  /** @throws {RpcError} for a question that cannot be answered or is malformed; and what the handler throws */
  answer(question: Question, signal: AbortSignal): Promise<InputResponse>
  /** The server says that what happens at a URL is done. */
  completed(elicitationId: string): void
}

/** Creates the {@link Interaction} of one client. */
export function createInteraction({ elicitation, sampling, roots }: InteractionHandlers): Interaction {
  const completions = new Map<string, () => void>()

  async function openUrl(ask: ElicitRequestURLParams, signal: AbortSignal): Promise<ElicitResult> {
    const { elicitationId } = ask
    const completed = new Promise<void>(resolve => {
      if (elicitationId !== undefined) completions.set(elicitationId, resolve)
    })
    for (const oldest of completions.keys()) {
      if (completions.size <= MAX_COMPLETIONS) break
      completions.delete(oldest)
    }
    let answer: ElicitResult = { action: 'cancel' }
    try {
      answer = (await elicitation?.url?.(ask, { signal, completed })) ?? answer
      return answer
    } finally {
      // Accepting is consent; what happens at the URL ends later.
      if (answer.action !== 'accept' && elicitationId !== undefined) completions.delete(elicitationId)
    }
  }

  async function elicit(params: unknown, signal: AbortSignal): Promise<ElicitResult> {
    const ask = read(elicitRequestParams, params)
    if (ask.mode === 'url') return openUrl(ask, signal)
    const answer = (await elicitation?.form?.(ask, { signal })) ?? { action: 'cancel' }
    return answer.action === 'accept'
      ? { ...answer, content: completeForm(ask.requestedSchema, answer.content) }
      : answer
  }

  return {
    objection({ method, params }) {
      const mode = method === 'elicitation/create' ? modeOf(params) : undefined
      if (mode === 'url') return elicitation?.url ? undefined : 'asks the user to open a URL'
      if (mode === 'form') return elicitation?.form ? undefined : 'asks the user'
      if (method === 'sampling/createMessage') return sampling ? undefined : 'asks a model'
      if (method === 'roots/list') return roots ? undefined : 'asks for roots'
      return `asks for ${method.slice(0, 80)}, which this client does not know`
    },
    async answer(question, signal) {
      const { method, params } = question
      if (this.objection(question) !== undefined)
        throw method === 'elicitation/create' && (elicitation?.form ?? elicitation?.url)
          ? modeNotDeclared()
          : methodNotFound()
      if (method === 'elicitation/create') return elicit(params, signal)
      if (method === 'roots/list') return { roots: [...(typeof roots === 'function' ? await roots() : (roots ?? []))] }
      const ask = read(createMessageRequestParams, params)
      const handler = typeof sampling === 'object' ? sampling.handler : sampling
      if (!handler) throw methodNotFound()
      return handler(ask, { signal })
    },
    completed(elicitationId) {
      completions.get(elicitationId)?.()
      completions.delete(elicitationId)
    },
  }
}

function methodNotFound(): RpcError {
  return new RpcError(METHOD_NOT_FOUND, 'Method not found')
}

function modeNotDeclared(): RpcError {
  return new RpcError(INVALID_PARAMS, 'Invalid params: this mode of elicitation was not declared')
}

function modeOf(params: unknown): 'form' | 'url' {
  return typeof params === 'object' && params !== null && 'mode' in params && params.mode === 'url' ? 'url' : 'form'
}

function read<Value>(shape: Shape<Value>, params: unknown): Value {
  const verdict = readShape(shape, params, 'params')
  if (!verdict.ok) throw new RpcError(INVALID_PARAMS, `Invalid params: ${verdict.issue.message}`)
  return verdict.value
}
