import { isObject } from '../jsonrpc/message.ts'
import { contentBlock, metaObject, role } from './content-shapes.ts'
import type {
  ElicitRequest,
  ElicitRequestFormParams,
  ElicitRequestParams,
  ElicitRequestURLParams,
} from './elicitation.ts'
import type { InputRequest, InputRequests, InputRequiredResult } from './input-required.ts'
import type { RequestParams } from './message.ts'
import type { ListRootsRequest } from './roots.ts'
import type {
  CreateMessageRequest,
  CreateMessageRequestParams,
  SamplingMessage,
  SamplingMessageContentBlock,
} from './sampling.ts'
import {
  anyObject,
  list,
  mismatch,
  Mismatch,
  number,
  object,
  oneOf,
  record,
  string,
  variants,
  within,
} from './shape.ts'
import type { Shape } from './shape.ts'

const form = object<ElicitRequestFormParams>(
  {
    message: string,
    requestedSchema: object<ElicitRequestFormParams['requestedSchema']>(
      { properties: record(anyObject()) },
      { required: list(string) },
    ),
  },
  { mode: oneOf('form'), _meta: metaObject },
)
const url = object<ElicitRequestURLParams>(
  { message: string, url: string, mode: oneOf('url') },
  { _meta: metaObject },
  { elicitationId: string },
)

/** Parameters of `elicitation/create`; without a mode, a form. */
export const elicitRequestParams: Shape<ElicitRequestParams> = value => {
  const mode = isObject(value) ? value['mode'] : undefined
  if (mode === undefined || mode === null || mode === 'form') return form(value)
  return mode === 'url' ? url(value) : within('mode', mismatch('"form" or "url"', mode))
}

const samplingBlock: Shape<SamplingMessageContentBlock> = value => {
  // Tool use and tool results are not content blocks; they pass here as unknown types and are the model's to judge.
  const read = contentBlock(value)
  return read as SamplingMessageContentBlock | Mismatch
}
const samplingContent: Shape<SamplingMessage['content']> = value =>
  Array.isArray(value) ? list(samplingBlock)(value) : samplingBlock(value)

/** Parameters of `sampling/createMessage`. */
export const createMessageRequestParams: Shape<CreateMessageRequestParams> = object<CreateMessageRequestParams>(
  { messages: list(object<SamplingMessage>({ role, content: samplingContent })), maxTokens: number },
  {
    systemPrompt: string,
    temperature: number,
    stopSequences: list(string),
    tools: list(anyObject()),
    toolChoice: anyObject(),
  },
  {
    modelPreferences: anyObject(),
    metadata: anyObject(),
    includeContext: oneOf('none', 'thisServer', 'allServers'),
    _meta: metaObject,
  },
)

/** Parameters of `roots/list`. */
export const listRootsRequestParams: Shape<RequestParams> = object({}, { _meta: metaObject })

const inputRequest: Shape<InputRequest> = variants<'method', InputRequest>(
  'method',
  {
    'elicitation/create': object<ElicitRequest>({
      params: elicitRequestParams,
    }),
    'sampling/createMessage': object<CreateMessageRequest>({
      params: createMessageRequestParams,
    }),
    'roots/list': object<ListRootsRequest>({}, { params: listRootsRequestParams }),
  },
  { closed: true },
)

/** Questions by name. */
export const inputRequests: Shape<InputRequests> = record(inputRequest)

const inputRequired = object<InputRequiredResult>(
  { resultType: oneOf('input_required') },
  { inputRequests, requestState: string },
  { _meta: metaObject },
)

/** A result that asks for more: requests to answer, state to send back, or both. */
export const inputRequiredResult: Shape<InputRequiredResult> = value => {
  const read = inputRequired(value)
  if (read instanceof Mismatch || read.inputRequests !== undefined || read.requestState !== undefined) return read
  return mismatch('an object with inputRequests or requestState', value)
}
