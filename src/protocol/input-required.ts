import type { ElicitRequest, ElicitResult } from './elicitation.ts'
import type { RequestParams, Result } from './message.ts'
import type { ListRootsRequest, ListRootsResult } from './roots.ts'
import type { CreateMessageRequest, CreateMessageResult } from './sampling.ts'

/** What the server needs from the client before it can finish. Since 2026-07-28. */
export type InputRequest = CreateMessageRequest | ListRootsRequest | ElicitRequest

/** What the server needs, by a name it chose. */
export type InputRequests = Readonly<Record<string, InputRequest>>

/** The client's answer to one input request. */
export type InputResponse = CreateMessageResult | ListRootsResult | ElicitResult

/** The client's answers, by the names of the input requests. */
export type InputResponses = Readonly<Record<string, InputResponse>>

/**
 * The server's answer that asks for more before it can finish: the client answers and sends the request again under a new id.
 * Only to `tools/call`, `prompts/get` and `resources/read`. Since 2026-07-28. At least one of the two members is present.
 */
export interface InputRequiredResult extends Result {
  readonly resultType: 'input_required'
  readonly inputRequests?: InputRequests
  /** Opaque; goes back unchanged with the retry, and only with it. */
  readonly requestState?: string
}

/** What a request carries when it is sent again with answers. Since 2026-07-28. */
export interface InputResponseRequestParams extends RequestParams {
  readonly inputResponses?: InputResponses
  readonly requestState?: string
}
