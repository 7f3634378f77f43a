import type { Output } from './io.ts'
import type { Style } from './style.ts'

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const FRAME_MS = 80
const CLEAR_LINE = '\r\u001b[2K'

/** How long something may take before it is worth a word. */
const PATIENCE_MS = 400
/** A pipe or log gets one plain line, and only for what takes longer than a second. */
const PLAIN_PATIENCE_MS = 1_000

/** One line that says what is going on: a spinner on a terminal, a plain line elsewhere. */
export interface Progress {
  /** Shows `label` while `task` runs, if it takes long enough to be noticed. */
  during<T>(label: string, task: () => Promise<T>): Promise<T>
  /** Replaces the label of what is running. */
  update(label: string): void
  /** How far the task has come: the label, and the share that is done, from 0 to 1. Only a terminal shows it. */
  advance(label: string, share?: number): void
  /** Says nothing more until the task is over: a person is typing. */
  pause(): void
  /** Runs `task`, in which a person is asked something, with the line out of the way; what others say meanwhile is said afterwards. */
  hold<T>(task: () => Promise<T>): Promise<T>
  /** Runs `write` with the line out of the way. */
  interrupt(write: () => void): void
}

/** Creates the progress line of a stream. Its timers never keep the process alive. */
export function createProgress(output: Output, style: Style, options: { readonly animated: boolean }): Progress {
  let label: string | undefined
  let timer: NodeJS.Timeout | undefined
  let frame = 0
  let visible = false
  let share: number | undefined
  let held = 0
  let waiting: (() => void)[] = []

  const draw = (): void => {
    if (label === undefined) return
    const bar = share === undefined ? '' : `${progressBar(share)} `
    const room = Math.max(10, (output.columns || 80) - 3 - bar.length)
    const text = label.length > room ? `${label.slice(0, room - 1)}…` : label
    output.write(`${CLEAR_LINE}${style.cyan(FRAMES[frame % FRAMES.length] ?? '')} ${bar}${style.dim(text)}`)
    visible = true
  }
  const clear = (): void => {
    if (visible) output.write(CLEAR_LINE)
    visible = false
  }
  const wait = (): void => {
    clearTimeout(timer)
    if (options.animated) {
      timer = setTimeout(() => {
        draw()
        timer = setInterval(() => {
          frame++
          draw()
        }, FRAME_MS)
        timer.unref()
      }, PATIENCE_MS)
    } else {
      timer = setTimeout(() => output.write(`${label ?? ''}…\n`), PLAIN_PATIENCE_MS)
    }
    timer.unref()
  }
  const stop = (): void => {
    clearTimeout(timer)
    clear()
    label = undefined
    share = undefined
  }

  return {
    async during(next, task) {
      const outer = label
      label = next
      share = undefined
      if (held === 0 && (outer === undefined || !options.animated)) wait()
      try {
        return await task()
      } finally {
        if (outer === undefined) stop()
        else if (label !== undefined) label = outer
      }
    },
    update(next) {
      if (label === undefined || label === next) return
      label = next
      if (!options.animated && held === 0) wait()
    },
    advance(next, done) {
      if (label === undefined || !options.animated) return
      label = next
      share = done
    },
    pause: stop,
    async hold(task) {
      held++
      clearTimeout(timer)
      clear()
      try {
        return await task()
      } finally {
        held--
        if (held === 0) {
          const queued = waiting
          waiting = []
          for (const write of queued) write()
          if (label !== undefined) wait()
        }
      }
    },
    interrupt(write) {
      if (held > 0) {
        waiting.push(write)
        return
      }
      const shown = visible
      clear()
      write()
      if (shown) draw()
    },
  }
}

const BAR_CELLS = 20

/** `[████████░░░░░░░░░░░░]  40 %`: readable without colours. */
export function progressBar(share: number): string {
  const done = Number.isFinite(share) ? Math.min(1, Math.max(0, share)) : 0
  const cells = Math.floor(done * BAR_CELLS)
  return `[${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)}] ${String(Math.floor(done * 100)).padStart(3)} %`
}
