import { INVALID_PARAMS, RpcError } from '../jsonrpc/errors.ts'
import { isObject } from '../jsonrpc/message.ts'
import { LOGGING_LEVELS, type LoggingLevel } from '../protocol/logging.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import type { ServerCall } from './call.ts'
import { type Complete, toCompleteResult } from './completion.ts'
import { createContext } from './context.ts'
import { ResourceNotFoundError } from './errors.ts'
import { createListAnswers } from './list-answers.ts'
import { findPrompt, findResource, findTool, nameOf, type Registries } from './registries.ts'
import { mayHear } from './required-scopes.ts'
import { MAX_SUBSCRIBED_RESOURCES } from './subscriptions.ts'

/** Answers one method of the core protocol. */
export type Answer = (call: ServerCall) => Promise<WireObject> | WireObject

/**
 * The methods that work on what was registered, by name. `report` hears of what goes wrong beside an answer.
 */
export function createAnswers(
  registries: Registries,
  { pageSize, report }: { readonly pageSize: number; readonly report: (error: unknown) => void },
): Readonly<Record<string, Answer>> {
  const toolAnswers: Readonly<Record<string, Answer>> = {
    'tools/call': call => findTool(registries, call.params).call(call),
  }
  const promptAnswers: Readonly<Record<string, Answer>> = {
    'prompts/get': call => findPrompt(registries, call.params).get(call),
  }
  const resourceAnswers: Readonly<Record<string, Answer>> = {
    'resources/read': async call => {
      const uri = nameOf(call.params, 'uri')
      const { resource, variables } = findResource(registries, uri)
      const result = await resource.read(call, uri, variables)
      if (result === undefined) throw new ResourceNotFoundError(uri)
      return result
    },
    'resources/subscribe': call => {
      const uri = nameOf(call.params, 'uri')
      const wanted = sessionOf(call).resourceSubscriptions
      findResource(registries, uri)
      if (wanted.size >= MAX_SUBSCRIBED_RESOURCES && !wanted.has(uri))
        throw new RpcError(INVALID_PARAMS, `A session names at most ${MAX_SUBSCRIBED_RESOURCES} resources`)
      const { holds, auth } = call
      wanted.set(uri, changed => mayHear(registries, changed, { holds, auth }, report))
      return {}
    },
    'resources/unsubscribe': call => {
      sessionOf(call).resourceSubscriptions.delete(nameOf(call.params, 'uri'))
      return {}
    },
  }
  const completionAnswers: Readonly<Record<string, Answer>> = {
    'completion/complete': async call => {
      const { ref, argument, context } = call.params
      if (!isObject(argument)) throw new RpcError(INVALID_PARAMS, 'Invalid params: argument is not an object')
      const name = nameOf(argument, 'name')
      const value = nameOf(argument, 'value')
      const complete = findCompletion(registries, isObject(ref) ? ref : {}, name)
      const known = isObject(context) && isObject(context['arguments']) ? context['arguments'] : {}
      const given = Object.fromEntries(Object.entries(known).filter(([, each]) => typeof each === 'string'))
      const ctx = Object.assign(createContext(call), { arguments: given as Readonly<Record<string, string>> })
      return toCompleteResult((await complete?.(value, ctx)) ?? [])
    },
  }
  const sessionAnswers: Readonly<Record<string, Answer>> = {
    ping: () => ({}),
    'logging/setLevel': call => {
      const level = nameOf(call.params, 'level')
      if (!(LOGGING_LEVELS as readonly string[]).includes(level))
        throw new RpcError(INVALID_PARAMS, `Invalid params: level should be one of ${LOGGING_LEVELS.join(', ')}`)
      // Without a session there is nothing to remember, and nothing is sent either.
      if (call.session) call.session.logLevel = level as LoggingLevel
      return {}
    },
  }
  const lists = createListAnswers(registries, pageSize)
  return { ...lists, ...toolAnswers, ...promptAnswers, ...resourceAnswers, ...completionAnswers, ...sessionAnswers }
}

/** What completes an argument; undefined when nothing does. @throws {RpcError} the prompt or resource does not exist */
function findCompletion(registries: Registries, ref: WireObject, argument: string): Complete | undefined {
  if (ref['type'] === 'ref/prompt') {
    const { complete } = findPrompt(registries, ref)
    return Object.hasOwn(complete, argument) ? complete[argument] : undefined
  }
  if (ref['type'] !== 'ref/resource')
    throw new RpcError(INVALID_PARAMS, 'Invalid params: ref should be of type ref/prompt or ref/resource')
  const uri = nameOf(ref, 'uri')
  const templated = registries.templates.get(uri)
  if (!templated) {
    findResource(registries, uri)
    return undefined
  }
  return Object.hasOwn(templated.complete, argument) ? templated.complete[argument] : undefined
}

function sessionOf(call: ServerCall): NonNullable<ServerCall['session']> {
  if (call.session) return call.session
  throw new RpcError(INVALID_PARAMS, `${call.method} needs a session, and this server keeps none`)
}
