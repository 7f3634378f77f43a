import { type Span, SpanStatusCode } from '@opentelemetry/api'
import { INTERNAL_ERROR, RpcError } from '../jsonrpc/errors.ts'
import { isObject } from '../jsonrpc/message.ts'

/** Codes of ours, of Node and of most packages: `timeout`, `ECONNREFUSED`. What has digits could be a secret, such as an authorization code. */
const ERROR_CODE = /^(?:[a-z]+(?:_[a-z]+)*|[A-Z]+(?:_[A-Z]+)*)$/
const ERROR_NAME = /^[A-Za-z][A-Za-z0-9_.]*$/
const MAX_KIND_LENGTH = 64
const MAX_MESSAGE_LENGTH = 500

/** Writes down how a call ended that has a result: a tool's failure is one. */
export function recordResult(span: Span, result: unknown): void {
  if (!isObject(result) || result['isError'] !== true) return
  span.setAttribute('error.type', 'tool_error')
  span.setStatus({ code: SpanStatusCode.ERROR })
}

/** Writes down that the caller was answered with an error, or got no answer. */
export function recordError(span: Span, error: unknown, withMessage: boolean): void {
  if (error instanceof RpcError) span.setAttribute('rpc.response.status_code', String(error.code))
  span.setAttribute('error.type', error instanceof RpcError ? String(error.code) : kindOf(error))
  const message = withMessage && error instanceof Error ? error.message.slice(0, MAX_MESSAGE_LENGTH) : undefined
  span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) })
}

/** Writes down that a handler failed: the caller hears only of an internal error. */
export function recordFailure(span: Span, error: unknown, withMessage: boolean): void {
  span.setAttribute('rpc.response.status_code', String(INTERNAL_ERROR))
  span.setAttribute('error.type', String(INTERNAL_ERROR))
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'Internal error' })
  span.recordException(withMessage && error instanceof Error ? error : { name: kindOf(error) })
}

/** Which kind of error it is, of few. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return '_OTHER'
  const { code } = error as { readonly code?: unknown }
  if (isShort(code) && ERROR_CODE.test(code)) return code
  return isShort(error.name) && ERROR_NAME.test(error.name) ? error.name : '_OTHER'
}

function isShort(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_KIND_LENGTH
}
