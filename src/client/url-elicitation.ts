import { isObject } from '../jsonrpc/message.ts'
import { RpcError } from '../jsonrpc/errors.ts'
import { abortedError } from '../jsonrpc/waits.ts'
import { URL_ELICITATION_REQUIRED } from '../protocol/errors.ts'
import { elicitRequestParams } from '../protocol/input-required-shapes.ts'
import { readShape } from '../protocol/shape.ts'
import type { Interaction, Question } from './interaction.ts'

/** URLs that one error may list. */
const MAX_URLS = 32

/**
 * The user has opened every URL that a server wants to be opened before it handles a request: it may be sent once more. False for any other
 * error, for a list that is not what the protocol promises, without a handler, and as soon as the user does not accept.
 *
 * @throws {TransportError} `aborted` when the signal fired meanwhile; and what the handler throws
 * @see MCP 2025-11-25, Elicitation, URL Elicitation Required Error
 */
export async function openRequiredUrls(
  error: unknown,
  {
    method,
    interaction,
    signal,
  }: { readonly method: string; readonly interaction: Interaction; readonly signal: AbortSignal },
): Promise<boolean> {
  const questions = questionsOf(error)
  if (questions.length === 0 || questions.some(question => interaction.objection(question) !== undefined)) return false
  // One after the other: nobody can read two pages at once.
  for (const question of questions) {
    const answer = await interaction.answer(question, signal)
    if (signal.aborted) throw abortedError(method, signal)
    if (!('action' in answer) || answer.action !== 'accept') return false
  }
  return true
}

function questionsOf(error: unknown): readonly Question[] {
  if (!(error instanceof RpcError) || error.code !== URL_ELICITATION_REQUIRED || !isObject(error.data)) return []
  const { elicitations } = error.data as { readonly elicitations?: unknown }
  if (!Array.isArray(elicitations) || elicitations.length > MAX_URLS) return []
  return elicitations.every(isUrlElicitation)
    ? elicitations.map((params: unknown) => ({ method: 'elicitation/create', params }))
    : []
}

function isUrlElicitation(params: unknown): boolean {
  const read = readShape(elicitRequestParams, params, 'params')
  return read.ok && read.value.mode === 'url' && read.value.elicitationId !== undefined
}
