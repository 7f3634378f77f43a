/** One step of a pattern; where nothing else is said, the next step follows. */
export type Step =
  | { readonly kind: 'literal'; readonly text: string }
  /** One character that is none of these. */
  | { readonly kind: 'one'; readonly excluded: string }
  /** Any number of them. */
  | { readonly kind: 'many'; readonly excluded: string }
  /** This character, and then the step `next`, which may be an earlier one. */
  | { readonly kind: 'character'; readonly character: string; readonly next: number }
  /** The next step, or a later one. */
  | { readonly kind: 'maybe'; readonly otherwise: number }

/**
 * Matches a whole percent-encoded text; each step takes the most that lets the rest match. Returns at which position each step was first entered
 * (sparse; the last entry is the end), or `undefined`. No backtracking: a table of steps × positions is filled once, each cell in constant time.
 */
export function findSpans(steps: readonly Step[], text: string): readonly number[] | undefined {
  const [first] = steps
  if (first?.kind === 'literal' && !text.startsWith(first.text)) return undefined
  const canFinish = fillTable(steps, text)
  if (!canFinish(0, 0)) return undefined
  const entered: number[] = []
  let step = 0
  let position = 0
  for (;;) {
    entered[step] ??= position
    const current = steps[step]
    if (current === undefined) return entered
    if (current.kind === 'literal') {
      position += current.text.length
      step++
    } else if (current.kind === 'character') {
      position++
      step = current.next
    } else if (current.kind === 'one') {
      position++
      step++
    } else if (current.kind === 'many') {
      if (isAllowed(text, position, current.excluded) && canFinish(step, position + 1)) position++
      else step++
    } else {
      step = canFinish(step + 1, position) ? step + 1 : current.otherwise
    }
  }
}

/** Whether the rest of the text, from a position on, matches the rest of the steps, from one of them on. */
function fillTable(steps: readonly Step[], text: string): (step: number, position: number) => boolean {
  const width = text.length + 1
  const table = new Uint8Array((steps.length + 1) * width)
  const canFinish = (step: number, position: number): boolean => table[step * width + position] === 1
  const occurrences = steps.map(step => (step.kind === 'literal' ? findOccurrences(text, step.text) : undefined))
  table[steps.length * width + text.length] = 1
  // A cell needs only cells of later positions, and of later steps at the same one.
  for (let position = text.length; position >= 0; position--) {
    for (let index = steps.length - 1; index >= 0; index--) {
      const step = steps[index]
      if (step === undefined) continue
      if (fits(step, index, position)) table[index * width + position] = 1
    }
  }
  return canFinish

  function fits(step: Step, index: number, position: number): boolean {
    switch (step.kind) {
      case 'literal':
        return occurrences[index]?.[position] === 1 && canFinish(index + 1, position + step.text.length)
      case 'character':
        return position < text.length && text.charAt(position) === step.character && canFinish(step.next, position + 1)
      case 'one':
        return isAllowed(text, position, step.excluded) && canFinish(index + 1, position + 1)
      case 'many':
        return (
          canFinish(index + 1, position) || (isAllowed(text, position, step.excluded) && canFinish(index, position + 1))
        )
      default:
        return canFinish(index + 1, position) || canFinish(step.otherwise, position)
    }
  }
}

function isAllowed(text: string, position: number, excluded: string): boolean {
  return position < text.length && !excluded.includes(text.charAt(position))
}

/** Marks where a text occurs in another (Knuth, Morris, Pratt: each character is read a constant number of times), but not within `%XX`. */
function findOccurrences(text: string, sought: string): Uint8Array {
  const found = new Uint8Array(text.length + 1)
  const borders = new Uint32Array(sought.length + 1)
  let matched = 0
  for (let index = 1; index < sought.length; index++) {
    matched = extend(matched, sought.charAt(index))
    borders[index + 1] = matched
  }
  matched = 0
  for (let index = 0; index < text.length; index++) {
    matched = extend(matched, text.charAt(index))
    const start = index + 1 - sought.length
    if (matched === sought.length && text[start - 1] !== '%' && text[start - 2] !== '%') found[start] = 1
  }
  return found

  function extend(length: number, character: string): number {
    let longest = length
    while (longest > 0 && (longest === sought.length || sought[longest] !== character)) longest = borders[longest] ?? 0
    return sought[longest] === character ? longest + 1 : 0
  }
}
