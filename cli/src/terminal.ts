import type { Io } from './io.ts'
import { createProgress, type Progress } from './progress.ts'
import { styleFor, type Style } from './style.ts'

/** The conversation with the person at the keyboard, on stderr. */
export interface Terminal {
  /** For text on stderr. */
  readonly style: Style
  /** For text on stdout, which may be a pipe while stderr is a terminal. */
  readonly dataStyle: Style
  readonly progress: Progress
  /** Writes whole lines to stderr without disturbing the spinner. */
  say(...lines: readonly string[]): void
}

/** Opens the conversation for one command. */
export function createTerminal(io: Io): Terminal {
  const style = styleFor(io.stderr, io.env)
  const progress = createProgress(io.stderr, style, { animated: io.stderr.isTTY === true && io.env['TERM'] !== 'dumb' })
  return {
    style,
    dataStyle: styleFor(io.stdout, io.env),
    progress,
    say(...lines) {
      progress.interrupt(() => io.stderr.write(lines.map(line => `${line}\n`).join('')))
    },
  }
}
