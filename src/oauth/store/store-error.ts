/** Why a credential store could not do what it was asked. */
export type StoreErrorCode =
  /** Present but not what was written: damaged, or sealed with another key. */
  | 'corrupt'
  /** Written by a newer version of this library; left untouched. */
  | 'newer_format'
  /** Somebody else holds the lock and did not let go in time. Retryable. */
  | 'locked'
  /** The record or its key cannot be read: permissions, keychain locked. */
  | 'unreadable'
  /** The record cannot be written: disk full, read-only. */
  | 'unwritable'
  /** Files or folders are open to other users. */
  | 'insecure_permissions'

/** A failure of a credential store. Never means "no credentials", and never leads to a login on its own. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  readonly detail: { readonly step: string; readonly path?: string; readonly hint?: string }

  constructor(
    code: StoreErrorCode,
    message: string,
    detail: { readonly step: string; readonly path?: string; readonly hint?: string },
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.code = code
    this.detail = detail
  }
}
