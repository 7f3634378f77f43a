import type { Io } from './io.ts'

// C1 controls and bidirectional marks pass through JSON.stringify and can drive or mislead a terminal.
const UNSAFE = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Prints one JSON object: indented for a person at a terminal, one line for a program. */
export function printJson(io: Io, value: unknown): void {
  const text = JSON.stringify(value, undefined, io.stdout.isTTY === true ? 2 : undefined)
  const safe = text.replace(UNSAFE, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
  io.stdout.write(`${safe}\n`)
}
