import { RpcError } from '../../jsonrpc/errors.ts'
import { isObject, type JsonRpcRequest } from '../../jsonrpc/message.ts'
import { HEADER_MISMATCH } from '../../protocol/errors.ts'
import { decodeHeaderValue } from '../../protocol/header-value.ts'
import { METHOD_HEADER, NAME_HEADER, PROTOCOL_VERSION_HEADER } from '../../protocol/http-headers.ts'
import { PROTOCOL_VERSION_META_KEY } from '../../protocol/meta.ts'
import type { Server } from '../../server/server.ts'
import { metaOfRequest } from '../../server/incoming.ts'
import type { HttpRequest } from './http-message.ts'

/** Which parameter `Mcp-Name` repeats. */
const NAME_PARAMETERS: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
}

/** Whether `MCP-Protocol-Version` names the revision that the body names. Undefined when it does, or when the body names none. */
export function findVersionMismatch(http: HttpRequest, request: JsonRpcRequest): RpcError | undefined {
  const version = metaOfRequest(request)[PROTOCOL_VERSION_META_KEY]
  const header = http.header(PROTOCOL_VERSION_HEADER)
  return version === undefined || header === version ? undefined : mismatch(PROTOCOL_VERSION_HEADER, header, version)
}

/**
 * Whether the headers of a stateless request say what its body says, so that whatever stands between the two sides and looks only at headers is not
 * deceived. Undefined when they do.
 *
 * @see MCP 2026-07-28, Streamable HTTP, Server Validation
 */
export function findHeaderMismatch(server: Server, http: HttpRequest, request: JsonRpcRequest): RpcError | undefined {
  const { method, params = {} } = request
  if (http.header(METHOD_HEADER) !== method) return mismatch(METHOD_HEADER, http.header(METHOD_HEADER), method)
  const parameter = Object.hasOwn(NAME_PARAMETERS, method)
    ? NAME_PARAMETERS[method]
    : server.internals.nameParameterOf(method)
  if (parameter !== undefined) {
    const header = http.header(NAME_HEADER)
    const name = typeof params[parameter] === 'string' ? params[parameter] : undefined
    // Without either, what is missing is a parameter.
    if (name === undefined ? header !== undefined : readValue(header) !== name)
      return mismatch(NAME_HEADER, header, name)
  }
  return method === 'tools/call' ? findArgumentMismatch(server, http, params) : undefined
}

function findArgumentMismatch(
  server: Server,
  http: HttpRequest,
  params: Readonly<Record<string, unknown>>,
): RpcError | undefined {
  const tool = typeof params['name'] === 'string' ? server.internals.findTool(params['name']) : undefined
  for (const { header, path } of tool?.mirrored ?? []) {
    const value = path.reduce<unknown>(
      (inside, name) => (isObject(inside) && Object.hasOwn(inside, name) ? inside[name] : undefined),
      params['arguments'],
    )
    const given = http.header(header)
    // What no header can say, because it is of another type than announced, is for the schema to judge.
    if (given === undefined && !isSayable(value)) continue
    const decoded = readValue(given)
    if (decoded === undefined || !isSame(value, decoded))
      return mismatch(header, given, value === null ? undefined : value)
  }
  return undefined
}

/** What a header says; undefined when it is missing, or holds what a header must not. */
function readValue(header: string | undefined): string | undefined {
  return header === undefined || !/^[\t\x20-\x7e]*$/.test(header) ? undefined : decodeHeaderValue(header)
}

function isSayable(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number'
}

/**
 * Numbers are compared as such, but only in decimal: others read the header too, and may not know another notation. Beyond 2^53 − 1 two that differ
 * for them are one here.
 */
function isSame(value: unknown, header: string): boolean {
  if (typeof value === 'string') return value === header
  if (typeof value === 'boolean') return String(value) === header
  if (typeof value !== 'number' || Math.abs(value) > Number.MAX_SAFE_INTEGER) return false
  return /^-?\d+(?:\.\d+)?$/.test(header) && Number(header) === value
}

function mismatch(header: string, received: string | undefined, expected: unknown): RpcError {
  const wanted = expected === undefined ? 'nothing' : JSON.stringify(expected).slice(0, 200)
  const got = received === undefined ? 'missing' : JSON.stringify(received.slice(0, 200))
  return new RpcError(HEADER_MISMATCH, `Header mismatch: ${header} is ${got}, and the body says ${wanted}`)
}
