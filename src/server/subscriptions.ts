import { INTERNAL_ERROR, INVALID_PARAMS, RpcError } from '../jsonrpc/errors.ts'
import { isObject } from '../jsonrpc/message.ts'
import { SUBSCRIPTION_ID_META_KEY } from '../protocol/meta.ts'
import type { SubscriptionFilter } from '../protocol/subscriptions.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import type { ServerCall } from './call.ts'
import type { Change, Changes } from './changes.ts'
import type { ListenToExtension } from './extension.ts'
import { createRoom } from './room.ts'

/** Resources that one subscription, or one session, may name. */
export const MAX_SUBSCRIBED_RESOURCES = 1000
/** `setTimeout` takes at most a signed 32-bit number of milliseconds. */
const MAX_DELAY_MS = 2_147_483_647

/** What subscriptions need of the server. */
export interface SubscriptionSurroundings {
  readonly changes: Changes
  /** The part of a wish that the server can fulfil. */
  honour(filter: SubscriptionFilter): SubscriptionFilter
  /** Whether the caller may hear of a change of this resource. */
  mayHear(uri: string, call: ServerCall): boolean
  /** Fires when the server closes. */
  readonly closing: AbortSignal
  readonly maxSubscriptions: number
  /** The extensions that take over a part of subscriptions. */
  readonly extensions: readonly ListenToExtension[]
  now(): number
}

/** Answers `subscriptions/listen`. */
export type Listen = (call: ServerCall) => Promise<WireObject>

/**
 * Makes the handler of `subscriptions/listen`: it acknowledges, tells the changes that were asked for, and ends when the client goes, when the
 * server closes, or when the token expires that it was opened with.
 *
 * @see MCP 2026-07-28, Subscriptions
 */
export function createListen(surroundings: SubscriptionSurroundings): Listen {
  const { changes, honour, mayHear, closing, maxSubscriptions, extensions, now } = surroundings
  const room = createRoom(maxSubscriptions)
  const endings = new Set<() => void>()
  // One listener for all: thousands on one signal would look like a leak.
  closing.addEventListener('abort', () => {
    for (const end of endings) end()
  })

  return async call => {
    const filter = readFilter(call.params['notifications'])
    if (room.isFullFor(call.sharer))
      throw new RpcError(
        INTERNAL_ERROR,
        `This server keeps at most ${maxSubscriptions} subscriptions at once; try again later`,
      )
    const giveBack = room.take(call.sharer)
    const _meta = { [SUBSCRIPTION_ID_META_KEY]: call.id }
    const over = new AbortController()
    const tell = (method: string, params: WireObject): void => call.notify(method, { ...params, _meta })
    let stop: (() => void) | undefined
    try {
      const wished = call.params['notifications'] as WireObject
      const parts = (await Promise.all(extensions.map(listenTo => listenTo(call, wished)))).filter(
        part => part !== undefined,
      )
      const notifications = honour(filter)
      const acknowledged = Object.assign({}, notifications, ...parts.map(part => part.notifications)) as WireObject
      tell('notifications/subscriptions/acknowledged', { notifications: acknowledged })
      stop = changes.subscribe(change => {
        const notification = toNotification(change, notifications)
        if (!notification || (change.kind === 'resource' && !mayHear(change.uri, call))) return
        tell(notification.method, notification.params)
      })
      for (const part of parts) part.start(tell, over.signal)
      const expiresInMs = call.auth?.expiresAt === undefined ? undefined : call.auth.expiresAt - now()
      if (!closing.aborted) await untilOver(endings, call.signal, expiresInMs)
    } finally {
      over.abort()
      stop?.()
      giveBack()
    }
    return { _meta }
  }
}

function readFilter(value: unknown): SubscriptionFilter {
  if (!isObject(value)) throw new RpcError(INVALID_PARAMS, 'Invalid params: notifications is not an object')
  const { resourceSubscriptions: uris = [] } = value
  if (!Array.isArray(uris) || !uris.every(uri => typeof uri === 'string'))
    throw new RpcError(INVALID_PARAMS, 'Invalid params: notifications.resourceSubscriptions is not a list of URIs')
  if (uris.length > MAX_SUBSCRIBED_RESOURCES)
    throw new RpcError(INVALID_PARAMS, `A subscription names at most ${MAX_SUBSCRIBED_RESOURCES} resources`)
  return {
    ...(value['toolsListChanged'] === true && { toolsListChanged: true }),
    ...(value['promptsListChanged'] === true && { promptsListChanged: true }),
    ...(value['resourcesListChanged'] === true && { resourcesListChanged: true }),
    ...(uris.length > 0 && { resourceSubscriptions: uris }),
  }
}

/** A change as it travels. */
export interface ChangeNotification {
  readonly method: string
  readonly params: WireObject
}

/** The notification of a change, for somebody who wants to hear of what the filter names. */
export function toNotification(change: Change, filter: SubscriptionFilter): ChangeNotification | undefined {
  switch (change.kind) {
    case 'resource':
      return filter.resourceSubscriptions?.some(uri => covers(uri, change.uri))
        ? { method: 'notifications/resources/updated', params: { uri: change.uri } }
        : undefined
    default: {
      const isWanted = filter[`${change.kind}ListChanged`] === true
      return isWanted ? { method: `notifications/${change.kind}/list_changed`, params: {} } : undefined
    }
  }
}

/** Whether a change of `uri` concerns who subscribed to `wanted`: the same, or beneath it. */
export function covers(wanted: string, uri: string): boolean {
  return uri === wanted || uri.startsWith(wanted.endsWith('/') ? wanted : `${wanted}/`)
}

/** Resolves when the signal fires, when the time has passed, or when `endings` are called, among which it is until then. */
function untilOver(endings: Set<() => void>, signal: AbortSignal, delayMs: number | undefined): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      clearTimeout(timer)
      endings.delete(end)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = delayMs === undefined ? undefined : setTimeout(end, Math.min(Math.max(0, delayMs), MAX_DELAY_MS))
    endings.add(end)
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
  })
}
