import { INVALID_PARAMS, RpcError } from '../jsonrpc/errors.ts'
import { isObject } from '../jsonrpc/message.ts'
import { contentBlock, role } from '../protocol/content-shapes.ts'
import type { ElicitRequestFormParams } from '../protocol/elicitation.ts'
import type { InputRequest } from '../protocol/input-required.ts'
import type { CreateMessageRequestParams } from '../protocol/sampling.ts'
import { anyObject, list, object, oneOf, readShape, string } from '../protocol/shape.ts'
import type { Shape } from '../protocol/shape.ts'
import type { Ask } from './asks.ts'
import type { CallingClient } from './call.ts'
import { missingCapability } from './errors.ts'
import { type CompiledSchema, compileSchema } from './schema.ts'

/** What became of a question. */
export type AnswerVerdict =
  | { readonly kind: 'answered'; readonly value: unknown }
  | { readonly kind: 'declined' }
  /** The answer is not what was asked for. */
  | { readonly kind: 'misfit'; readonly reason: string }

const compiledForms = new WeakMap<object, CompiledSchema>()

function compileForm(ask: Extract<Ask, { kind: 'form' }>): CompiledSchema {
  const known = compiledForms.get(ask.schema)
  if (known) return known
  const compiled = compileSchema(ask.schema, {
    side: 'input',
    what: `the form ${JSON.stringify(ask.message.slice(0, 60))}`,
  })
  compiledForms.set(ask.schema, compiled)
  return compiled
}

/**
 * A question as it travels.
 *
 * @throws {RpcError} −32021: the client did not declare that it can be asked this, or its revision has no such question
 * @throws {TypeError} no client could show it
 */
export function toInputRequest(ask: Ask, client: CallingClient): InputRequest {
  const { capabilities, features } = client
  switch (ask.kind) {
    case 'form': {
      const declared = capabilities.elicitation
      // An empty object means forms only; one that names modes must name this one.
      const takesForms = declared !== undefined && (declared.form !== undefined || declared.url === undefined)
      if (!takesForms || !features.elicitationModes.includes('form'))
        throw missingCapability({ elicitation: { form: {} } }, 'this needs a form to be filled in (elicitation)')
      return {
        method: 'elicitation/create',
        params: {
          ...(features.elicitationModes.includes('url') && { mode: 'form' }),
          message: ask.message,
          requestedSchema: formSchema(ask, compileForm(ask).json),
        },
      }
    }
    case 'url': {
      if (capabilities.elicitation?.url === undefined || !features.elicitationModes.includes('url'))
        throw missingCapability({ elicitation: { url: {} } }, 'this needs a page to be opened (elicitation, mode url)')
      if (!URL.canParse(ask.params.url))
        throw new TypeError(`elicitUrl should name a whole URL; received ${JSON.stringify(ask.params.url)}`)
      // Only 2025-11-25 has the id, and wants it.
      const id = features.family === 'handshake' ? { elicitationId: crypto.randomUUID() } : {}
      return { method: 'elicitation/create', params: { mode: 'url', ...ask.params, ...id } }
    }
    case 'sampling':
      if (capabilities.sampling === undefined)
        throw missingCapability({ sampling: {} }, 'this needs a model (sampling)')
      if (usesTools(ask.params) && !(features.samplingTools && capabilities.sampling.tools))
        throw missingCapability({ sampling: { tools: {} } }, 'this needs a model that uses tools (sampling.tools)')
      return { method: 'sampling/createMessage', params: withContext(ask.params, client) }
    default:
      if (capabilities.roots === undefined) throw missingCapability({ roots: {} }, 'this needs the roots of the client')
      return { method: 'roots/list' }
  }
}

/** Clients refuse either of both where they did not declare that their model uses tools. */
function usesTools({ tools, toolChoice }: CreateMessageRequestParams): boolean {
  return tools !== undefined || toolChoice !== undefined
}

/** The context of servers is a wish that clients may ignore; since 2025-11-25 only those hear of it that declare it. */
function withContext(params: CreateMessageRequestParams, client: CallingClient): CreateMessageRequestParams {
  const { includeContext = 'none', ...rest } = params
  const isHeard = !client.features.samplingTools || client.capabilities.sampling?.context !== undefined
  return includeContext === 'none' || isHeard ? params : rest
}

/**
 * A form's schema: what vendors add around it is left out, for the protocol's own schema names what may stand there.
 *
 * @throws {TypeError} it is no flat object, so that no client could show it
 */
function formSchema(
  { message }: { readonly message: string },
  json: Readonly<Record<string, unknown>>,
): ElicitRequestFormParams['requestedSchema'] {
  const { type, properties = {}, required } = json
  const what = `The form ${JSON.stringify(message.slice(0, 60))}`
  if (type !== 'object' || !isObject(properties)) throw new TypeError(`${what} should be an object at its root`)
  const fields = Object.entries(properties).map(([name, field]) => {
    if (!isObject(field) || !FIELD_TYPES.includes(field['type']))
      throw new TypeError(`${what} should be flat: ${name} is neither text, a number, yes or no, nor a choice`)
    if (field['type'] === 'array' && !isChoice(field['items']))
      throw new TypeError(`${what} should be flat: ${name} is a list, but of no choices: give items an enum of texts`)
    const { format, ...rest } = field
    return [name, format === undefined || FORMATS.includes(format) ? field : rest] as const
  })
  return {
    type: 'object',
    properties: Object.fromEntries(fields) as unknown as ElicitRequestFormParams['requestedSchema']['properties'],
    ...(Array.isArray(required) && { required: required as readonly string[] }),
  }
}

/** Whether the items of a list are choices: texts, with titles or without. */
function isChoice(items: unknown): boolean {
  if (!isObject(items)) return false
  const { enum: values, anyOf: titled } = items
  if (Array.isArray(values)) return values.every(value => typeof value === 'string')
  return Array.isArray(titled) && titled.every(each => isObject(each) && typeof each['const'] === 'string')
}

const FIELD_TYPES: readonly unknown[] = ['string', 'number', 'integer', 'boolean', 'array']
/** Those that clients know; answers are checked for the others all the same. */
const FORMATS: readonly unknown[] = ['email', 'uri', 'date', 'date-time']

const elicitResult = object<{ action: 'accept' | 'decline' | 'cancel'; content?: Readonly<Record<string, unknown>> }>(
  { action: oneOf('accept', 'decline', 'cancel') },
  { content: anyObject() },
)
const block: Shape<unknown> = value => contentBlock(value)
const samplingContent: Shape<unknown> = value => (Array.isArray(value) ? list(block)(value) : block(value))
const samplingResult = object<{ role: unknown; content: unknown; model: string }>({
  role: role,
  content: samplingContent,
  model: string,
})
const rootsResult = object<{ roots: readonly { uri: string }[] }>({
  roots: list(object<{ uri: string }>({ uri: string })),
})

/** Judges the client's answer to a question. Never throws for what the client sent. */
export async function readAnswer(ask: Ask, response: unknown): Promise<AnswerVerdict> {
  const shape: Shape<unknown> =
    ask.kind === 'sampling' ? samplingResult : ask.kind === 'roots' ? rootsResult : elicitResult
  const read = readShape(shape, response, 'answer')
  if (!read.ok) return { kind: 'misfit', reason: read.issue.message }
  if (ask.kind === 'sampling') return { kind: 'answered', value: read.value }
  if (ask.kind === 'roots') return { kind: 'answered', value: (read.value as { roots: unknown }).roots }
  const { action, content } = read.value as { action: string; content?: unknown }
  if (action !== 'accept') {
    if (!ask.mayDecline) return { kind: 'declined' }
    return { kind: 'answered', value: ask.kind === 'url' ? false : undefined }
  }
  if (ask.kind === 'url') return { kind: 'answered', value: true }
  const verdict = await compileForm(ask).validate(content ?? {})
  if (verdict.ok) return { kind: 'answered', value: verdict.value }
  const issue = verdict.issues[0]
  return { kind: 'misfit', reason: `${issue?.path || 'the content'}: ${issue?.message ?? 'does not fit the form'}` }
}

/** The error of an answer that cannot be used, where there is nobody to ask again. */
export function misfitError(name: string, reason: string): RpcError {
  return new RpcError(INVALID_PARAMS, `The answer to ${name.slice(0, 80)} cannot be used: ${reason}`)
}
