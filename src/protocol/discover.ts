import type { CacheableResult } from './caching.ts'
import type { ServerCapabilities } from './capabilities.ts'

/** What a stateless server says about itself; its name is in `_meta`. Since 2026-07-28. */
export interface DiscoverResult extends CacheableResult {
  /** The revisions the server supports; names may be unknown to the reader. */
  readonly supportedVersions: readonly string[]
  readonly capabilities: ServerCapabilities
  /** How to use the server, for a model to read. Untrusted text. */
  readonly instructions?: string
}
