import { existsSync } from 'node:fs'
import type {
  ElicitRequestFormParams,
  ElicitRequestURLParams,
  ElicitResult,
  InteractionHandlers,
} from 'latchkey/client'
import { displayText } from 'latchkey/oauth/protocol'
import type { CommandContext } from '../command-context.ts'
import { isInteractive } from '../io.ts'
import { answerSynopsis, type GivenAnswers, isAnswered, readAnswers } from './answers.ts'
import { askForm } from './form-prompt.ts'
import { formRules } from './form-rules.ts'
import { openPromptLines, type PromptLines } from './prompt-lines.ts'
import { askUrl } from './url-prompt.ts'

/** The person at the terminal, whom a server may ask; or nobody. */
export interface AskedPerson {
  readonly handlers: NonNullable<InteractionHandlers['elicitation']>
  /** Fires when the server asks for a person and there is none, or the command is interrupted. */
  readonly signal: AbortSignal
  /** Runs `task`. What nobody could answer is its error. */
  watched<Result>(task: () => Promise<Result>): Promise<Result>
}

/**
 * Creates the {@link AskedPerson} of one command: on a terminal questions become prompts, one at a time; elsewhere `--answer` answers, and
 * what it leaves open ends the command with an error that says what was asked.
 *
 * @throws {UsageError} malformed `--answer`
 */
export function createAskedPerson(context: CommandContext, server: string): AskedPerson {
  const { io, terminal, options } = context
  const { style } = terminal
  const answers: GivenAnswers = readAnswers(options.answer ?? [])
  const nobody = new AbortController()
  const signal = AbortSignal.any([io.signal, nobody.signal])
  let failure: unknown
  let last: Promise<unknown> = Promise.resolve()

  const fail = (error: unknown): never => {
    failure ??= error
    nobody.abort(error)
    throw error
  }

  /** Questions come one after the other, however many the server asks at once. */
  const inTurn = <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
    const answer = last.then(ask)
    last = answer.catch(() => undefined)
    return answer
  }

  const talk = (given: AbortSignal, ask: (lines: PromptLines) => Promise<ElicitResult>): Promise<ElicitResult> =>
    terminal.progress.hold(async () => {
      const lines = openPromptLines(io, AbortSignal.any([given, signal]))
      try {
        return await ask(lines)
      } finally {
        lines.close()
      }
    })

  const form = async (ask: ElicitRequestFormParams, given: AbortSignal): Promise<ElicitResult> => {
    if (given.aborted) return { action: 'cancel' }
    const rules = await formRules()
    try {
      const taken = answers.take(ask.requestedSchema, rules)
      if (isInteractive(io)) {
        return await talk(given, lines => askForm(ask, { lines, style, server, rules, given: taken }))
      }
      if (isAnswered(ask.requestedSchema, taken)) return { action: 'accept', content: taken }
    } catch (error) {
      return fail(error)
    }
    const synopsis = answerSynopsis(ask.requestedSchema, rules)
    return fail(
      await needsPerson(`${server} asks: “${displayText(ask.message, 300)}”`, {
        hint: `run this on a terminal${synopsis === '' ? '' : `, or answer with ${synopsis}`}`,
      }),
    )
  }

  const url = async (
    ask: ElicitRequestURLParams,
    given: AbortSignal,
    completed: Promise<void>,
  ): Promise<ElicitResult> => {
    if (given.aborted) return { action: 'cancel' }
    if (!isInteractive(io)) {
      const message = `${server} asks you to open ${displayText(ask.url, 2_000)}: “${displayText(ask.message, 300)}”`
      return fail(await needsPerson(message, { hint: 'run this on a terminal' }))
    }
    const open = await browser(context)
    return talk(given, lines => askUrl(ask, { lines, style, server, open, completed }))
  }

  const watched = async <Result>(task: () => Promise<Result>): Promise<Result> => {
    try {
      return await task()
    } catch (error) {
      throw failure ?? error
    }
  }

  return {
    signal,
    watched,
    handlers: {
      form: (ask, { signal: given }) => inTurn(() => form(ask, given)),
      url: (ask, { signal: given, completed }) => inTurn(() => url(ask, given, completed)),
    },
  }
}

async function needsPerson(message: string, detail: { readonly hint: string }): Promise<Error> {
  const { TransportError } = await import('latchkey/client')
  return new TransportError('input_required', message, detail)
}

/** Opens a URL in the browser; undefined where none can be. */
async function browser({ io }: CommandContext): Promise<((url: URL) => Promise<unknown>) | undefined> {
  const { detectEnvironment, openBrowser } = await import('latchkey/node')
  const { canOpenBrowser } = detectEnvironment({ env: io.env, platform: process.platform, exists: existsSync })
  return canOpenBrowser ? url => openBrowser(url, { env: io.env }) : undefined
}
