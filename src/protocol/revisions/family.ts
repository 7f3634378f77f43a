import { isObject } from '../../jsonrpc/message.ts'
import type { InputRequiredResult } from '../input-required.ts'
import type { LoggingLevel } from '../logging.ts'
import type { MetaObject } from '../meta.ts'
import type { ProgressToken } from '../progress.ts'
import type { ClientResult } from '../result-shapes.ts'
import type { ProtocolRevision, RevisionFamilyName, RevisionFeatures } from '../revisions.ts'
import type { ShapeIssue } from '../shape.ts'
import type { Task } from '../tasks.ts'

/** Parameters as they travel. */
export type WireObject = Readonly<Record<string, unknown>>

/** What goes into a request's `_meta` besides what the family itself puts there. */
export interface RequestMetaOptions {
  /** The caller's own; never changed. What the protocol says about the request wins over it (R-META-2). */
  readonly meta?: MetaObject | undefined
  readonly progressToken?: ProgressToken | undefined
  /** The lowest log level wanted for this request. Only the stateless family carries it; the other has `logging/setLevel`. */
  readonly logLevel?: LoggingLevel | undefined
}

/** A result of a client request, read. */
export type DecodedResult<Result> =
  | { readonly kind: 'complete'; readonly result: Result }
  /** The server needs answers first: send the request again with them and `requestState`, under a new id. */
  | { readonly kind: 'input-required'; readonly result: InputRequiredResult }
  /** The work goes on: look at the task (an extension, only where the client declares it). */
  | { readonly kind: 'task'; readonly task: Task }
  /** The result is not what the method promises. */
  | { readonly kind: 'invalid'; readonly issue: ShapeIssue }

/** How the family says things. */
export interface MessageFace {
  /** Whether the connection opens with `initialize` and `notifications/initialized`. */
  readonly opensWithInitialize: boolean
  /** Whether a client may send this request. Methods the protocol does not know belong to extensions and may. */
  allowsRequest(method: string): boolean
  /** Whether a client may send this notification. Unknown ones may. */
  allowsNotification(method: string): boolean
  /** A request's parameters as they travel; undefined when there are none. Arguments are not changed. */
  encodeRequest(params?: object, options?: RequestMetaOptions): WireObject | undefined
  /** A notification's parameters as they travel; undefined when there are none. Arguments are not changed. */
  encodeNotification(params?: object, meta?: MetaObject): WireObject | undefined
  /**
   * Reads a result: its kind, then what the method promises. Lenient: unknown members are kept, null optional members dropped.
   * A result of an unknown method must only be an object. Never throws.
   */
  decodeResult<Method extends string>(method: Method, result: unknown): DecodedResult<ClientResult<Method>>
}

/** A message about to be sent over HTTP, encoded. Responses have no method. */
export interface OutgoingMessage {
  readonly method?: string
  readonly params?: WireObject | undefined
}

/** How the family uses HTTP. */
export interface HttpFace {
  /** The server may give a session id, which then goes with everything. */
  readonly sessions: boolean
  /** A GET opens a stream for what the server sends unasked. */
  readonly getStream: boolean
  /** A stream can be taken up again with `Last-Event-ID`. */
  readonly resumption: boolean
  /** Closing a response's stream cancels the request; else `notifications/cancelled` must say so. */
  readonly disconnectCancels: boolean
  /** The client may POST responses, since the server may send requests. */
  readonly postsResponses: boolean
  /**
   * What 404 means. `session-lost`: the session sent along is gone, start a new one. `method-not-found`: with a JSON-RPC error
   * −32601 the method, else the endpoint, does not exist.
   */
  readonly notFound: 'session-lost' | 'method-not-found'
  /**
   * Protocol headers of one HTTP request, names in lower case: version, method, name, session. Without a message, of a GET or
   * DELETE. `Accept`, `Content-Type` and `Last-Event-ID` are the transport's own.
   */
  headers(message?: OutgoingMessage, sessionId?: string): Readonly<Record<string, string>>
}

/** How the server asks the client for something. */
export interface InteractionFace {
  /** `nested`: requests of its own while a request is under way. `input-required`: a result that asks, and a retry that answers. */
  readonly style: 'nested' | 'input-required'
  /** The ways a server may ask the user. */
  readonly elicitationModes: readonly ('form' | 'url')[]
}

/** How the client learns of changes. */
export interface SubscriptionFace {
  /** `session`: list changes come unasked, resources by `resources/subscribe`. `listen`: one long request, `subscriptions/listen`. */
  readonly style: 'session' | 'listen'
}

/**
 * What a client must know about the revision in use, from four sides. Pure: no state, no I/O. Nothing outside this interface
 * asks for the version.
 */
export interface RevisionFamily {
  readonly name: RevisionFamilyName
  readonly revision: ProtocolRevision
  readonly features: RevisionFeatures
  readonly messages: MessageFace
  readonly http: HttpFace
  readonly interaction: InteractionFace
  readonly subscriptions: SubscriptionFace
}

/** Whether a family has a method: listed for it, or unknown to the protocol and so an extension's. */
export function familyHas(
  name: RevisionFamilyName,
  families: Readonly<Record<string, readonly RevisionFamilyName[]>>,
  method: string,
): boolean {
  return Object.hasOwn(families, method) ? families[method]?.includes(name) === true : true
}

/** The `_meta` that parameters already carry, below what a caller gives as `meta`. Neither is changed. */
export function metaOf(params: object | undefined, meta: MetaObject | undefined): MetaObject {
  const { _meta: carried }: { readonly _meta?: unknown } = params ?? {}
  return { ...(isObject(carried) ? carried : undefined), ...meta }
}

/** Parameters with this `_meta` in place of their own, on a copy; undefined when nothing is left to send. */
export function withMeta(params: object | undefined, meta: MetaObject | undefined): WireObject | undefined {
  if (meta !== undefined) return { ...params, _meta: meta }
  if (params === undefined) return undefined
  const { _meta, ...rest }: { readonly _meta?: unknown } = params
  return rest
}
