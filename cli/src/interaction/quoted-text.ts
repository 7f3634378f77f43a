import { plainText } from '../plain-text.ts'

const MAX_LINES = 40
const MAX_LINE = 500

/** What a server says, as quoted lines that cannot pass for words of this program. */
export function quotedLines(text: string): readonly string[] {
  const lines = plainText(text.slice(0, MAX_LINES * MAX_LINE))
    .replace(/\t/g, '  ')
    .trim()
    .split('\n')
  const shown = lines.slice(0, MAX_LINES).map(line => `  │ ${line.slice(0, MAX_LINE)}`.trimEnd())
  return lines.length > MAX_LINES ? [...shown, '  │ …'] : shown
}
