import type { Io } from '../io.ts'
import { createProgram } from '../program.ts'
import { splitWords } from '../shell-words.ts'
import { cacheDirectory } from './cache-directory.ts'
import { type Candidate, candidates } from './candidates.ts'
import { readOffers } from './offer-cache.ts'

/**
 * Answers a key press: one candidate a line. Reads the cache and nothing else; whatever goes wrong, it offers nothing.
 *
 * @param words for zsh and fish the shell's name and the words up to the cursor; for bash its name, the line up to the cursor, and the
 * characters at which bash breaks words
 */
export async function complete(words: readonly string[], io: Pick<Io, 'env' | 'stdout'>): Promise<void> {
  try {
    const [shell, ...rest] = words
    const program = createProgram(async () => undefined)
    const servers = await readOffers(cacheDirectory(io.env))
    const lines =
      shell === 'bash'
        ? bashLines(rest[0] ?? '', rest[1] ?? '', given => candidates(program, servers, given))
        : candidates(program, servers, rest).map(({ value, about }) =>
            about === undefined ? value : `${value}\t${oneLine(about)}`,
          )
    io.stdout.write(lines.map(line => `${line}\n`).join(''))
  } catch {
    // A key press is no place for an error.
  }
}

/**
 * Candidates as bash wants them: quoted, with the space that follows, and only what comes after the last character at which bash breaks
 * the word that is being typed.
 */
export function bashLines(
  line: string,
  wordBreaks: string,
  find: (words: readonly string[]) => readonly Candidate[],
): readonly string[] {
  const words = splitWords(line)
  // Inside quotes bash replaces something else than one would think.
  if (words === undefined) return []
  const typed = /\s$/.test(line) && !/\\\s$/.test(line) ? '' : (words.at(-1) ?? '')
  const before = typed === '' ? words : words.slice(0, -1)
  if (typed !== '' && !line.endsWith(typed)) return []
  const breaks = Array.from(wordBreaks).filter(character => !/[\s"'\\]/.test(character))
  const cut = Math.max(0, ...breaks.map(character => typed.lastIndexOf(character) + 1))
  return find([...before.slice(1), typed]).map(({ value }) => {
    const rest = bashQuoted(value.slice(cut))
    return value.endsWith('=') ? rest : `${rest} `
  })
}

/** Text that bash reads as itself: everything but the plainest characters escaped. */
function bashQuoted(text: string): string {
  return text.replace(/[^A-Za-z0-9_./:@%+,=\u0080-\u{10ffff}-]/gu, '\\$&')
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 80)
}
