import { RpcError } from '../jsonrpc/errors.ts'
import type { JsonRpcErrorResponse, JsonRpcRequest, JsonRpcResult, RequestId } from '../jsonrpc/message.ts'
import type { RequestMetaObject } from '../protocol/meta.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import type { AuthInfo } from './auth-info.ts'
import type { AskClient, CallingClient, ServerCall, SessionState } from './call.ts'
import { answerCall, metaOfRequest, toErrorResponse } from './incoming.ts'
import type { Server } from './server.ts'

const NOTHING: WireObject = Object.freeze({})

/** What a call is answered with. */
export type CallAnswer = JsonRpcResult | JsonRpcErrorResponse

/** What carries a call: where its notifications go, and what the connection allows. */
export interface CallCarrier {
  readonly auth?: AuthInfo | undefined
  readonly sharer?: string | undefined
  notify(method: string, params: WireObject): void
  drained?(): Promise<void>
  holds?: ((needed: readonly string[]) => boolean) | undefined
  readonly neededScopes?: readonly string[] | undefined
  readonly filtersLists?: boolean | undefined
  readonly ask?: AskClient | undefined
  readonly session?: SessionState | undefined
  readonly closeStream?: ((retryAfterMs: number) => void) | undefined
}

/** A call while it runs. Its signal is made only when somebody wants it. */
export class RunningCall implements ServerCall {
  readonly request: JsonRpcRequest
  readonly client: CallingClient
  readonly params: WireObject
  readonly auth: AuthInfo | undefined
  readonly sharer: string | undefined
  readonly ask: AskClient | undefined
  readonly session: SessionState | undefined
  readonly closeStream: ((retryAfterMs: number) => void) | undefined
  readonly holds: ((needed: readonly string[]) => boolean) | undefined
  readonly neededScopes: readonly string[] | undefined
  readonly filtersLists: boolean | undefined
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly #carrier: CallCarrier
  #controller: AbortController | undefined
  #reason: unknown
  #isOver = false
  #settle: ((answer: CallAnswer | undefined) => void) | undefined

  constructor(request: JsonRpcRequest, client: CallingClient, carrier: CallCarrier, startedAt: number) {
    this.request = request
    this.client = client
    this.params = request.params ?? NOTHING
    this.auth = carrier.auth
    this.sharer = carrier.sharer
    this.ask = carrier.ask
    this.session = carrier.session
    this.closeStream = carrier.closeStream
    this.holds = carrier.holds
    this.neededScopes = carrier.neededScopes
    this.filtersLists = carrier.filtersLists
    this.startedAt = startedAt
    this.#carrier = carrier
  }

  get id(): RequestId {
    return this.request.id
  }

  get method(): string {
    return this.request.method
  }

  get meta(): RequestMetaObject {
    return metaOfRequest(this.request)
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  notify(method: string, params: WireObject): void {
    if (!this.#isOver) this.#carrier.notify(method, params)
  }

  drained(): Promise<void> {
    return this.#carrier.drained?.() ?? Promise.resolve()
  }

  /**
   * Answers the call. Undefined when it was given up: then nothing is to be answered. When it was ended from here, with an `RpcError`, that is the
   * answer, whatever its handler still does. Never rejects.
   */
  run(server: Server): Promise<CallAnswer | undefined> {
    return new Promise(resolve => {
      this.#settle = answer => {
        this.#isOver = true
        resolve(answer)
      }
      if (this.#reason !== undefined) this.#settle(this.#endedWith())
      else void answerCall(server, this).then(this.#settle)
    })
  }

  /** Ends the call: fires its signal. */
  abort(reason: unknown): void {
    if (this.#reason !== undefined || this.#isOver) return
    this.#reason = reason ?? new DOMException('The call was given up', 'AbortError')
    this.#controller?.abort(this.#reason)
    this.#settle?.(this.#endedWith())
  }

  #endedWith(): CallAnswer | undefined {
    return this.#reason instanceof RpcError ? toErrorResponse(this.id, this.#reason) : undefined
  }
}
