import type { JSONObject } from './json.ts'

/** A capability without settings; its presence is what counts. */
type Capability = JSONObject

interface ListCapability {
  /** The party notifies when its list changes. */
  readonly listChanged?: boolean
}

/** What a client can do. Not a closed set. */
export interface ClientCapabilities {
  readonly experimental?: Readonly<Record<string, JSONObject>>
  /** Deprecated by the protocol. `listChanged` until 2025-11-25. */
  readonly roots?: ListCapability
  /** Deprecated by the protocol. The members since 2025-11-25. */
  readonly sampling?: { readonly context?: Capability; readonly tools?: Capability }
  /** Since 2025-06-18; the members since 2025-11-25. An empty object means forms only. */
  readonly elicitation?: { readonly form?: Capability; readonly url?: Capability }
  /** Settings by extension identifier, such as `io.modelcontextprotocol/tasks`. Since 2026-07-28. */
  readonly extensions?: Readonly<Record<string, JSONObject>>
}

/** What a server can do. Not a closed set. */
export interface ServerCapabilities {
  readonly experimental?: Readonly<Record<string, JSONObject>>
  /** Deprecated by the protocol. */
  readonly logging?: Capability
  /** Since 2025-03-26; an older server may complete without saying so. */
  readonly completions?: Capability
  readonly prompts?: ListCapability
  readonly resources?: ListCapability & {
    /** Changes of single resources can be subscribed to. */
    readonly subscribe?: boolean
  }
  readonly tools?: ListCapability
  /** Settings by extension identifier. Since 2026-07-28. */
  readonly extensions?: Readonly<Record<string, JSONObject>>
}
