/** A message on its way. */
export interface Slip {
  /** Resolves when the message was taken; rejects when it provably did not get there. */
  readonly written: Promise<void>
  /** Whether it may have got there: from when writing it began until that failed. */
  readonly mayHaveArrived: boolean
  /** Takes the message back. True when nothing of it was written; `written` never settles then. */
  withdraw(): boolean
}

/** Messages that wait to be written. */
export interface Outbox {
  /** `line` with its end. */
  put(line: string): Slip
}

interface Entry {
  readonly line: string
  mayHaveArrived: boolean
  resolve(): void
  reject(error: unknown): void
}

/**
 * Writes messages one after the other, each once the one before was taken: a server that does not read costs no memory but for
 * messages somebody still waits for, since what is given up can be withdrawn.
 */
export function createOutbox(write: (line: string) => Promise<void>): Outbox {
  const waiting = new Set<Entry>()
  let isWriting = false

  const writeOne = async (entry: Entry): Promise<void> => {
    waiting.delete(entry)
    entry.mayHaveArrived = true
    try {
      await write(entry.line)
      entry.resolve()
    } catch (error) {
      entry.mayHaveArrived = false
      entry.reject(error)
    }
  }
  const writeAll = async (): Promise<void> => {
    if (isWriting) return
    isWriting = true
    // What is added meanwhile is found, too.
    for (const entry of waiting) await writeOne(entry)
    isWriting = false
  }

  return {
    put: line => {
      const entry: Entry = { line, mayHaveArrived: false, resolve: () => undefined, reject: () => undefined }
      const written = new Promise<void>((resolve, reject) => {
        entry.resolve = resolve
        entry.reject = reject
      })
      waiting.add(entry)
      void writeAll()
      return {
        written,
        get mayHaveArrived() {
          return entry.mayHaveArrived
        },
        withdraw: () => waiting.delete(entry),
      }
    },
  }
}
