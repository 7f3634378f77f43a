import { displayText } from 'latchkey/oauth/protocol'
import type { Style } from './style.ts'

/** One entry of a list for people. */
export interface ListedEntry {
  /** What commands take. Shown whole. */
  readonly name: string
  readonly about?: string | undefined
  /** Short facts: a type, a size. */
  readonly facts?: readonly string[]
  readonly arguments?: readonly {
    readonly name: string
    readonly required: boolean
    readonly expects?: string
    readonly description?: string | undefined
  }[]
}

/** Entries that come with details stand apart by an empty line; bare names are a plain list. */
export function listingText(entries: readonly ListedEntry[], style: Style): string {
  const texts = entries.map(entry => entryText(entry, style))
  return texts.join(texts.some(text => text.trimEnd().includes('\n')) ? '\n' : '')
}

function entryText(entry: ListedEntry, style: Style): string {
  const lines = [style.bold(displayText(entry.name, 2_000))]
  if (entry.about !== undefined) lines.push(`  ${displayText(firstParagraph(entry.about), 300)}`)
  const facts = (entry.facts ?? []).map(fact => displayText(fact, 100)).filter(Boolean)
  if (facts.length > 0) lines.push(`  ${style.dim(facts.join(' · '))}`)
  const known = entry.arguments ?? []
  const width = Math.min(24, Math.max(0, ...known.map(({ name }) => name.length)))
  for (const { name, required, expects, description } of known) {
    const label = `${displayText(name).padEnd(width)}${required ? style.yellow('*') : ' '}`
    const type = expects === undefined ? '' : ` ${style.cyan(displayText(expects, 60))}`
    const what = description === undefined ? '' : `  ${style.dim(displayText(firstParagraph(description), 120))}`
    lines.push(`    ${label}${type}${what}`.trimEnd())
  }
  return `${lines.join('\n')}\n`
}

function firstParagraph(text: string): string {
  return text.trim().split(/\n\s*\n/)[0] ?? ''
}
