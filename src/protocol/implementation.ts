/** A programmatic name and an optional one to display. */
export interface BaseMetadata {
  readonly name: string
  /** Since 2025-06-18. Without it, `name` is displayed. */
  readonly title?: string
}

/** An image that stands for something in a user interface. Since 2025-11-25. Untrusted: see the specification on fetching it. */
export interface Icon {
  /** An http(s) or `data:` URI. */
  readonly src: string
  readonly mimeType?: string
  /** Such as `48x48`, or `any` for a scalable format. */
  readonly sizes?: readonly string[]
  /** The background it is designed for. */
  readonly theme?: 'light' | 'dark'
}

/** Something that may have icons. */
export interface Icons {
  readonly icons?: readonly Icon[]
}

/** A client or server program, as it describes itself. Never verified: for display and logs only. */
export interface Implementation extends BaseMetadata, Icons {
  readonly version: string
  /** Since 2025-11-25. */
  readonly description?: string
  /** Since 2025-11-25. */
  readonly websiteUrl?: string
}
