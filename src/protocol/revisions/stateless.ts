import { isObject } from '../../jsonrpc/message.ts'
import type { ClientCapabilities } from '../capabilities.ts'
import { encodeHeaderValue } from '../header-value.ts'
import { METHOD_HEADER, NAME_HEADER, PROTOCOL_VERSION_HEADER } from '../http-headers.ts'
import type { Implementation } from '../implementation.ts'
import { inputRequiredResult } from '../input-required-shapes.ts'
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  LOG_LEVEL_META_KEY,
  mergeMeta,
  PROTOCOL_VERSION_META_KEY,
} from '../meta.ts'
import { CLIENT_NOTIFICATION_FAMILIES, CLIENT_REQUEST_FAMILIES, INPUT_REQUIRED_METHODS } from '../methods.ts'
import { readResult } from '../result-shapes.ts'
import type { ClientResult } from '../result-shapes.ts'
import { REVISION_FEATURES } from '../revisions.ts'
import type { StatelessRevision } from '../revisions.ts'
import { mismatch, readShape, toIssue, within } from '../shape.ts'
import { hasTasks, task } from '../tasks.ts'
import { familyHas, metaOf, withMeta } from './family.ts'
import type { DecodedResult, OutgoingMessage, RevisionFamily } from './family.ts'

const NAME = 'stateless'

/** Who asks: what every stateless request says about its client. */
export interface ClientIdentity {
  readonly capabilities: ClientCapabilities
  /** Left out on the wire only when a client is configured not to name itself. */
  readonly clientInfo?: Implementation | undefined
}

/** The revisions without a handshake (2026-07-28): every request says which revision, who asks, and what the client can do. */
export function statelessFamily(revision: StatelessRevision, client: ClientIdentity): RevisionFamily {
  const features = REVISION_FEATURES[revision]
  const identity = {
    [PROTOCOL_VERSION_META_KEY]: revision,
    [CLIENT_CAPABILITIES_META_KEY]: client.capabilities,
    ...(client.clientInfo === undefined ? {} : { [CLIENT_INFO_META_KEY]: client.clientInfo }),
  }
  return {
    name: NAME,
    revision,
    features,
    messages: {
      opensWithInitialize: false,
      allowsRequest: method => familyHas(NAME, CLIENT_REQUEST_FAMILIES, method),
      allowsNotification: method => familyHas(NAME, CLIENT_NOTIFICATION_FAMILIES, method),
      encodeRequest: (params, { meta, progressToken, logLevel } = {}) =>
        withMeta(
          params,
          mergeMeta(metaOf(params, meta), {
            ...identity,
            ...(progressToken === undefined ? {} : { progressToken }),
            ...(logLevel === undefined ? {} : { [LOG_LEVEL_META_KEY]: logLevel }),
          }),
        ),
      encodeNotification: (params, meta) => withMeta(params, mergeMeta(metaOf(params, meta), {})),
      decodeResult: (method, result) => decodeResult(method, result, hasTasks(client.capabilities)),
    },
    http: {
      sessions: false,
      getStream: false,
      resumption: false,
      disconnectCancels: true,
      postsResponses: false,
      notFound: 'method-not-found',
      headers: message => headers(revision, message),
    },
    interaction: { style: 'input-required', elicitationModes: features.elicitationModes },
    subscriptions: { style: 'listen' },
  }
}

/** The protocol's headers; `Mcp-Param-*`, which mirror tool arguments, join them here once a tool's schema is at hand. */
function headers(revision: StatelessRevision, message: OutgoingMessage | undefined): Readonly<Record<string, string>> {
  if (message?.method === undefined) return { [PROTOCOL_VERSION_HEADER]: revision }
  const name = nameOf(message.method, message.params)
  return {
    [PROTOCOL_VERSION_HEADER]: revision,
    [METHOD_HEADER]: message.method,
    ...(name === undefined ? {} : { [NAME_HEADER]: encodeHeaderValue(name) }),
  }
}

/** Which parameter `Mcp-Name` repeats. */
const NAME_PARAMETERS: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}

function nameOf(method: string, params: OutgoingMessage['params']): string | undefined {
  const parameter = Object.hasOwn(NAME_PARAMETERS, method) ? NAME_PARAMETERS[method] : undefined
  const name = parameter === undefined ? undefined : params?.[parameter]
  return typeof name === 'string' ? name : undefined
}

function decodeResult<Method extends string>(
  method: Method,
  result: unknown,
  takesTasks: boolean,
): DecodedResult<ClientResult<Method>> {
  const type = isObject(result) ? (result['resultType'] ?? 'complete') : 'complete'
  const asks = (INPUT_REQUIRED_METHODS as readonly string[]).includes(method)
  if (type === 'input_required' && asks) {
    const read = readShape(inputRequiredResult, result, 'result')
    return read.ok ? { kind: 'input-required', result: read.value } : { kind: 'invalid', issue: read.issue }
  }
  if (type === 'complete') {
    const read = readResult(method, result)
    return read.ok ? { kind: 'complete', result: read.value } : { kind: 'invalid', issue: read.issue }
  }
  if (type === 'task' && takesTasks && method === 'tools/call') {
    const read = readShape(task, result, 'result')
    return read.ok ? { kind: 'task', task: read.value } : { kind: 'invalid', issue: read.issue }
  }
  const expected = asks ? '"complete" or "input_required"' : '"complete"'
  return { kind: 'invalid', issue: toIssue(within('resultType', mismatch(expected, type)), 'result') }
}
