import { RpcError, TransportError } from '../jsonrpc/errors.ts'
import type { JsonRpcNotification, RequestId } from '../jsonrpc/message.ts'
import { pause } from '../jsonrpc/pause.ts'
import { abortedError } from '../jsonrpc/waits.ts'
import type { ServerCapabilities } from '../protocol/capabilities.ts'
import { SUBSCRIPTION_ID_META_KEY } from '../protocol/meta.ts'
import type { SubscriptionFilter } from '../protocol/subscriptions.ts'
import type { RequestOptions } from './request-options.ts'

/** What to hear about. */
export interface WantedChanges {
  /** The list of tools. */
  readonly tools?: boolean
  /** The list of prompts. */
  readonly prompts?: boolean
  /** The lists of resources and of resource templates. */
  readonly resources?: boolean
  /** Single resources, by URI. */
  readonly uris?: readonly string[]
}

/** Something changed, or may have: after an interruption everything that was wanted is told once. */
export type Change =
  | { readonly kind: 'tools' | 'prompts' | 'resources' }
  | { readonly kind: 'resource'; readonly uri: string }

/** A subscription that lasts until it is closed, over interruptions and new sessions. */
export interface Subscription extends AsyncDisposable {
  /** What the server agreed to tell; the newest agreement. */
  readonly granted: WantedChanges
  /** Resolves when the subscription is closed; rejects when the server refuses to go on. */
  readonly ended: Promise<void>
  /** Tells the server that nothing more is wanted. Never rejects, and may be called twice. */
  close(): Promise<void>
}

/** What subscriptions need of a connection. */
export interface SubscriptionHost {
  readonly style: 'session' | 'listen'
  readonly capabilities: ServerCapabilities
  /** Milliseconds a server may take to acknowledge a subscription, unless it is asked with another limit. */
  readonly timeoutMs: number
  request(
    method: 'resources/subscribe' | 'resources/unsubscribe',
    params: { readonly uri: string },
    options?: RequestOptions,
  ): Promise<unknown>
  /** Sends `subscriptions/listen`; `onSent` learns its id. Resolves when the server ends it. */
  listenFor(
    filter: SubscriptionFilter,
    options: { readonly signal: AbortSignal; readonly onSent: (id: RequestId) => void },
  ): Promise<unknown>
  /** Opens whatever brings what the server sends unasked. */
  listen(): void
  readonly onError: (error: unknown) => void
}

/** The subscriptions of one client. */
export interface Subscriptions {
  add(wanted: WantedChanges, listener: (change: Change) => void, options?: RequestOptions): Promise<Subscription>
  /** Looks at every notification. */
  notice(notification: JsonRpcNotification): void
  /** A new session has begun: the server knows nothing of the old one's subscriptions. */
  renewed(): void
  end(): void
}

const LIST_CHANGES: Readonly<Record<string, 'tools' | 'prompts' | 'resources'>> = {
  'notifications/tools/list_changed': 'tools',
  'notifications/prompts/list_changed': 'prompts',
  'notifications/resources/list_changed': 'resources',
}
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'
const LISTEN = 'subscriptions/listen'
const FIRST_DELAY_MS = 1_000
const LONGEST_DELAY_MS = 30_000
/** `setTimeout` takes at most a signed 32-bit number of milliseconds. */
const MAX_DELAY_MS = 2_147_483_647

interface Entry {
  readonly wanted: WantedChanges
  readonly tell: (change: Change) => void
  /** Of the `subscriptions/listen` under way. */
  id?: RequestId
  readonly acknowledged: (granted: WantedChanges) => void
  readonly resubscribe: () => void
  readonly end: () => void
}

/** Creates the {@link Subscriptions} of one client. */
export function createSubscriptions(host: () => SubscriptionHost): Subscriptions {
  const entries = new Set<Entry>()
  /** How many subscriptions want a resource, in a session. */
  const wanters = new Map<string, number>()

  async function add(
    wanted: WantedChanges,
    listener: (change: Change) => void,
    options: RequestOptions = {},
  ): Promise<Subscription> {
    const tell = (change: Change): void => {
      try {
        listener(change)
      } catch (error) {
        host().onError(error)
      }
    }
    return host().style === 'listen' ? addListening(wanted, tell, options) : addInSession(wanted, tell, options)
  }

  /** One long request; once it was acknowledged, it is sent again whenever it breaks off or is ended by the server. */
  async function addListening(
    wanted: WantedChanges,
    tell: (change: Change) => void,
    { signal, timeoutMs = host().timeoutMs }: RequestOptions,
  ): Promise<Subscription> {
    if (signal?.aborted) throw abortedError(LISTEN, signal)
    const controller = new AbortController()
    let granted: WantedChanges = {}
    let began: (() => void) | undefined
    const first = new Promise<void>(resolve => (began = resolve))
    const hasBegun = (): boolean => began === undefined
    const entry: Entry = {
      wanted,
      tell,
      acknowledged(given) {
        granted = given
        // What changed while nobody listened is not told by the server.
        if (hasBegun()) tellAll(given, tell)
        began?.()
        began = undefined
      },
      resubscribe: () => {},
      end: () => controller.abort(),
    }
    entries.add(entry)
    const ended = run(entry, controller.signal, hasBegun).finally(() => entries.delete(entry))
    ended.catch(() => undefined)
    let giveUp: ((error: TransportError) => void) | undefined
    const givenUp = new Promise<never>((_resolve, reject) => (giveUp = reject))
    const onAbort = (): void => giveUp?.(abortedError(LISTEN, signal))
    const onTimeout = (): void =>
      giveUp?.(
        new TransportError('timeout', `No acknowledgment of ${LISTEN} within ${timeoutMs} ms`, { method: LISTEN }),
      )
    const timer = Number.isFinite(timeoutMs) ? setTimeout(onTimeout, Math.min(timeoutMs, MAX_DELAY_MS)) : undefined
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await Promise.race([first, givenUp, ended.then(() => Promise.reject(endedEarly()))])
    } catch (error) {
      controller.abort()
      throw error
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    return subscription(
      () => granted,
      ended,
      async () => {
        controller.abort()
        await ended.catch(() => undefined)
      },
    )
  }

  async function run(entry: Entry, signal: AbortSignal, hasBegun: () => boolean): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      const startedAt = performance.now()
      try {
        await host().listenFor(filterOf(entry.wanted), { signal, onSent: id => (entry.id = id) })
      } catch (error) {
        if (signal.aborted) return
        if (!hasBegun() || !mayPass(error)) throw error
      }
      delete entry.id
      failures = performance.now() - startedAt > LONGEST_DELAY_MS ? 0 : failures + 1
      await pause(Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), LONGEST_DELAY_MS) * (0.75 + Math.random() / 4), signal)
    }
  }

  /** Lists' changes come unasked; resources are subscribed to one by one. */
  async function addInSession(
    wanted: WantedChanges,
    tell: (change: Change) => void,
    options: RequestOptions,
  ): Promise<Subscription> {
    const { capabilities, request, listen } = host()
    const uris = capabilities.resources?.subscribe === true ? [...new Set(wanted.uris ?? [])] : []
    let finish: (() => void) | undefined
    const ended = new Promise<void>(resolve => (finish = resolve))
    const entry: Entry = {
      wanted,
      tell,
      acknowledged: () => {},
      resubscribe() {
        for (const uri of uris) request('resources/subscribe', { uri }).catch(host().onError)
        tellAll(granted, tell)
      },
      end: () => finish?.(),
    }
    const granted: WantedChanges = {
      tools: wanted.tools === true && capabilities.tools?.listChanged === true,
      prompts: wanted.prompts === true && capabilities.prompts?.listChanged === true,
      resources: wanted.resources === true && capabilities.resources?.listChanged === true,
      uris,
    }
    listen()
    const subscribed: string[] = []
    const release = async (): Promise<void> => {
      if (!entries.delete(entry)) return
      finish?.()
      for (const uri of subscribed) {
        const left = (wanters.get(uri) ?? 1) - 1
        if (left > 0) wanters.set(uri, left)
        else {
          wanters.delete(uri)
          await host().request('resources/unsubscribe', { uri }).catch(host().onError)
        }
      }
    }
    entries.add(entry)
    try {
      for (const uri of uris) {
        wanters.set(uri, (wanters.get(uri) ?? 0) + 1)
        subscribed.push(uri)
        await request('resources/subscribe', { uri }, options)
      }
    } catch (error) {
      await release()
      throw error
    }
    return subscription(() => granted, ended, release)
  }

  return {
    add,
    notice({ method, params }) {
      const { [SUBSCRIPTION_ID_META_KEY]: id } = (params?.['_meta'] ?? {}) as Readonly<Record<string, unknown>>
      // Some servers answer an integer id as a string.
      const named = typeof id === 'string' || typeof id === 'number' ? String(id) : undefined
      const concerned = [...entries].filter(entry => named === undefined || String(entry.id) === named)
      if (method === ACKNOWLEDGED)
        for (const entry of concerned) entry.acknowledged(changesOf(params?.['notifications']))
      const kind = Object.hasOwn(LIST_CHANGES, method) ? LIST_CHANGES[method] : undefined
      if (kind) for (const { wanted, tell } of concerned) if (wanted[kind] === true) tell({ kind })
      const uri = method === 'notifications/resources/updated' ? params?.['uri'] : undefined
      if (typeof uri !== 'string') return
      for (const { wanted, tell } of concerned) if (isWanted(uri, wanted.uris)) tell({ kind: 'resource', uri })
    },
    renewed() {
      for (const { resubscribe } of entries) resubscribe()
    },
    end() {
      for (const { end } of entries) end()
      entries.clear()
    },
  }
}

/** A server may tell of a resource below the one that is subscribed to. */
function isWanted(uri: string, wanted: readonly string[] = []): boolean {
  return wanted.some(each => uri === each || uri.startsWith(each.endsWith('/') ? each : `${each}/`))
}

function tellAll({ tools, prompts, resources, uris = [] }: WantedChanges, tell: (change: Change) => void): void {
  if (tools === true) tell({ kind: 'tools' })
  if (prompts === true) tell({ kind: 'prompts' })
  if (resources === true) tell({ kind: 'resources' })
  for (const uri of uris) tell({ kind: 'resource', uri })
}

function filterOf({ tools, prompts, resources, uris }: WantedChanges): SubscriptionFilter {
  return {
    ...(tools === true && { toolsListChanged: true }),
    ...(prompts === true && { promptsListChanged: true }),
    ...(resources === true && { resourcesListChanged: true }),
    ...(uris && uris.length > 0 && { resourceSubscriptions: [...uris] }),
  }
}

function changesOf(filter: unknown): WantedChanges {
  const { toolsListChanged, promptsListChanged, resourcesListChanged, resourceSubscriptions } = (
    typeof filter === 'object' && filter !== null ? filter : {}
  ) as { readonly [Name in keyof SubscriptionFilter]?: unknown }
  const uris = Array.isArray(resourceSubscriptions) ? resourceSubscriptions.filter(uri => typeof uri === 'string') : []
  return {
    tools: toolsListChanged === true,
    prompts: promptsListChanged === true,
    resources: resourcesListChanged === true,
    uris,
  }
}

function subscription(granted: () => WantedChanges, ended: Promise<void>, close: () => Promise<void>): Subscription {
  return {
    get granted() {
      return granted()
    },
    ended,
    close,
    [Symbol.asyncDispose]: close,
  }
}

function endedEarly(): TransportError {
  return new TransportError('closed', 'The subscription was ended before the server acknowledged it', {
    method: LISTEN,
  })
}

/** Whether to listen again: a server that is restarted says so in many ways. */
function mayPass(error: unknown): boolean {
  if (error instanceof RpcError) return isPassing(error.status)
  if (!(error instanceof TransportError)) return false
  return ['stream_lost', 'network', 'session_lost', 'timeout'].includes(error.code) || isPassing(error.detail.status)
}

function isPassing(status = 0): boolean {
  return status >= 500 || status === 429
}
