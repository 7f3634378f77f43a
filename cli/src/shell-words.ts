/** One word that a shell reads as exactly `text`. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:@%+,=<>-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/**
 * Splits a command into words as a shell would, without expanding anything: single and double quotes keep white space, and a backslash
 * keeps the quote, white space or backslash after it. Any other backslash is itself, so that Windows paths need none.
 * Undefined when a quote is not closed.
 */
export function splitWords(text: string): readonly string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  let quote: string | undefined
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    const next = text.charAt(at + 1)
    if (character === '\\' && quote !== "'" && next !== '' && /["'\s\\]/.test(next)) {
      word = (word ?? '') + next
      at++
    } else if (quote !== undefined) {
      if (character === quote) quote = undefined
      else word += character
    } else if (character === '"' || character === "'") {
      quote = character
      word ??= ''
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else {
      word = (word ?? '') + character
    }
  }
  if (quote !== undefined) return undefined
  return word === undefined ? words : [...words, word]
}
