import { HttpBodyError } from './http-message.ts'

/** Collects the bytes of a body, however they are cut. */
export interface BodyBytes {
  /** False when there are too many now; what was collected is then let go. */
  add(chunk: Uint8Array): boolean
  /** All of it, without a byte order mark. @throws {HttpBodyError} `not_utf8` */
  text(): string
}

const decoder: TextDecoder = new TextDecoder('utf-8', { fatal: true })
const NOTHING: Uint8Array = new Uint8Array()

/**
 * Collects in one buffer: a body that comes in millions of tiny pieces takes no more memory than another.
 *
 * @param maxBytes that it may have
 */
export function collectBytes(maxBytes: number): BodyBytes {
  let bytes = NOTHING
  let length = 0
  /** The buffer is ours, not the first chunk. */
  let isOwn = false
  return {
    add: chunk => {
      const total = length + chunk.byteLength
      if (total > maxBytes) {
        bytes = NOTHING
        length = Number.POSITIVE_INFINITY
        return false
      }
      // Most bodies come in one piece.
      if (length === 0) bytes = chunk
      else {
        if (!isOwn || total > bytes.byteLength) {
          const larger = new Uint8Array(Math.min(maxBytes, Math.max(2 * total, 16_384)))
          larger.set(bytes.subarray(0, length))
          bytes = larger
          isOwn = true
        }
        bytes.set(chunk, length)
      }
      length = total
      return true
    },
    text: () => {
      try {
        return decoder.decode(bytes.subarray(0, length))
      } catch (error) {
        throw new HttpBodyError('not_utf8', { cause: error })
      }
    },
  }
}
