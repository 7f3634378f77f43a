import { INVALID_PARAMS, RpcError } from '../jsonrpc/errors.ts'
import type { ClientCapabilities } from '../protocol/capabilities.ts'
import { MISSING_REQUIRED_CLIENT_CAPABILITY } from '../protocol/errors.ts'
import type { Ask } from './asks.ts'

/**
 * A failure that the client, and the model behind it, may read: the call ends with `isError` and this message. What else a tool throws reaches
 * `onError` only, and the client hears that the tool failed.
 */
export class ToolError extends Error {
  override readonly name = 'ToolError'
}

/**
 * The resource does not exist: the client learns its URI and the code of its revision (−32002 until 2025-11-25, then −32602). R-RES-1.
 *
 * @see MCP 2026-07-28, Resources, Error Handling
 */
export class ResourceNotFoundError extends RpcError {
  constructor(uri: string) {
    super(INVALID_PARAMS, `Resource not found: ${uri}`, { data: { uri } })
  }
}

/** The client did not declare what the request needs (−32021). @see MCP 2026-07-28, MissingRequiredClientCapabilityError */
export class MissingCapabilityError extends RpcError {
  readonly required: ClientCapabilities
  readonly why: string

  constructor(required: ClientCapabilities, why: string) {
    super(MISSING_REQUIRED_CLIENT_CAPABILITY, `Missing client capability: ${why}`, {
      data: { requiredCapabilities: required },
    })
    this.required = required
    this.why = why
  }
}

/** The error of a client that did not declare what the request needs, and why it needs it. */
export function missingCapability(required: ClientCapabilities, why: string): MissingCapabilityError {
  return new MissingCapabilityError(required, why)
}

/** The user said no to a question without `mayDecline`: the call ends and says so. */
export class DeclinedError extends RpcError {
  constructor(ask: Ask) {
    super(INVALID_PARAMS, `The user declined: ${messageOf(ask)}`)
  }
}

function messageOf(ask: Ask): string {
  if (ask.kind === 'form') return ask.message
  return ask.kind === 'url' ? ask.params.message : ask.kind
}
