import type { Readable } from 'node:stream'
import { displayText } from '../oauth/protocol/display-text.ts'
import { redactSecrets } from '../oauth/protocol/redaction.ts'

/** Characters of the end of stderr that an error carries. */
const TAIL_LENGTH = 4096
/** Characters that are handed on at once to a listener when no line ends. */
const MAX_LINE_LENGTH = 64 * 1024

export interface ErrorOutputOptions {
  /** Shows it on this process's stderr as it comes. */
  readonly isShown: boolean
  readonly onLine: ((line: string) => void) | undefined
  /** What must not be quoted in errors. */
  readonly secrets: readonly string[]
  /** Hears when `onLine` fails. */
  readonly onError: (error: unknown) => void
}

/** What a server writes to stderr. */
export interface ErrorOutput {
  /** The end of what was written so far, fit for an error: at most 4096 characters without control characters and known secrets. */
  tail(): string
}

/** Reads stderr all the time, since a server whose stderr is not read stands still once the pipe is full. */
export function readErrorOutput(stream: Readable | undefined, options: ErrorOutputOptions): ErrorOutput {
  const { isShown, onLine, secrets, onError } = options
  let recent = ''
  let line = ''
  const giveOut = (text: string): void => {
    try {
      onLine?.(text)
    } catch (error) {
      onError(error)
    }
  }
  stream?.setEncoding('utf8')
  stream?.on('data', (text: string) => {
    // Twice the length, so that a secret is still whole where the quoted part begins.
    recent = (recent + text).slice(-2 * TAIL_LENGTH)
    if (isShown && !process.stderr.write(text, () => stream.resume())) stream.pause()
    if (!onLine) return
    const lines = (line + text).split('\n')
    line = lines.pop() ?? ''
    for (const each of lines) giveOut(each.replace(/\r$/, ''))
    if (line.length <= MAX_LINE_LENGTH) return
    giveOut(line)
    line = ''
  })
  stream?.on('end', () => {
    if (line !== '') giveOut(line)
    line = ''
  })
  stream?.on('error', () => undefined)
  return { tail: () => displayText(redactSecrets(recent, secrets).slice(-TAIL_LENGTH), TAIL_LENGTH) }
}
