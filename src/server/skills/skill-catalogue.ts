import { createFreshLook } from './fresh-look.ts'
import { readSkillIndex, type ServedFile, type SkillIndex } from './skill-index.ts'
import type { SkillSource } from './skill-source.ts'

/** The skills of a source, kept as they were last seen. */
export interface SkillCatalogue {
  /** Looks at the source now. @throws what the source throws; a `TimeoutError` */
  look(): Promise<SkillIndex>
  /** The file of a URI: as it was last seen, else looked for now. */
  find(uri: string): Promise<ServedFile | undefined>
  /** Ends what runs. */
  close(): void
}

/** How a source is looked at. */
export interface SkillCatalogueOptions {
  /** Milliseconds that one look at the whole source may take. */
  readonly timeoutMs: number
  /** Hears of each skill that is left out, once as long as the reason stays. */
  readonly onProblem: (problem: string) => void
}

/** Keeps what is known of a source: digests of the files, not their contents. */
export function createSkillCatalogue(source: SkillSource, options: SkillCatalogueOptions): SkillCatalogue {
  const { timeoutMs, onProblem } = options
  const closing = new AbortController()
  let last: SkillIndex | undefined

  const look = createFreshLook(async () => {
    const index = await withDeadline(timeoutMs, closing.signal, signal => readSkillIndex(source, last, signal))
    const known = new Set(last?.problems)
    last = index
    for (const problem of index.problems) if (!known.has(problem)) onProblem(problem)
    return index
  })
  return {
    look,
    find: async uri => last?.files.get(uri) ?? (await look()).files.get(uri),
    close: () => closing.abort(new DOMException('The server is closing', 'AbortError')),
  }
}

/** Runs work that may hang, deaf to its signal, but no longer than this. */
async function withDeadline<Value>(
  timeoutMs: number,
  closing: AbortSignal,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const controller = new AbortController()
  const { signal } = controller
  const onClose = (): void => controller.abort(closing.reason)
  const timer = setTimeout(() => {
    controller.abort(new DOMException(`The skills could not be read within ${timeoutMs} ms`, 'TimeoutError'))
  }, timeoutMs)
  closing.addEventListener('abort', onClose, { once: true })
  if (closing.aborted) onClose()
  try {
    signal.throwIfAborted()
    return await Promise.race([work(signal), rejectWhenAborted(signal)])
  } finally {
    clearTimeout(timer)
    closing.removeEventListener('abort', onClose)
  }
}

function rejectWhenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    // Belongs to nobody else, and goes with the controller.
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
