import { displayText } from 'latchkey/oauth/protocol'
import { plainText } from './plain-text.ts'

/** What is no text in an answer: it becomes a file. */
export interface MediaPart {
  /** What it is called in a message: `image`, `resource file:///a.bin`. */
  readonly what: string
  /** What the server calls it, if anything. */
  readonly name: string | undefined
  readonly mimeType: string | undefined
  readonly bytes: Uint8Array
}

/** The parts of an answer, sorted by who reads them. */
export interface ContentParts {
  /** Text, fit for a terminal. */
  readonly texts: readonly string[]
  readonly media: readonly MediaPart[]
  /** Lines for people about what is neither. */
  readonly notes: readonly string[]
}

/** Sorts content blocks: text as it is, links as a line, the rest as media or notes. Reads anything. */
export function contentParts(content: unknown): ContentParts {
  const texts: string[] = []
  const media: MediaPart[] = []
  const notes: string[] = []
  const binary = (what: string, data: unknown, mimeType: unknown, name?: unknown): void => {
    const type = typeof mimeType === 'string' ? mimeType : undefined
    if (typeof data !== 'string')
      notes.push(`${what} (${shown(mimeType ?? 'unknown type')}) is not shown; --json prints it`)
    else
      media.push({
        what,
        mimeType: type,
        name: typeof name === 'string' ? name : undefined,
        bytes: Buffer.from(data, 'base64'),
      })
  }
  for (const block of Array.isArray(content) ? content : [content]) {
    if (!isRecord(block)) continue
    const resource = isRecord(block['resource']) ? block['resource'] : {}
    if (block['type'] === 'text') {
      if (typeof block['text'] === 'string') texts.push(plainText(block['text']))
    } else if (block['type'] === 'resource') {
      const { text, uri, blob, mimeType } = resource
      if (typeof text === 'string') texts.push(plainText(text))
      else binary(`resource ${shown(uri)}`, blob, mimeType, uri)
    } else if (block['type'] === 'resource_link') {
      texts.push([block['uri'], block['title'] ?? block['name']].filter(Boolean).map(shown).join('  '))
    } else {
      binary(shown(block['type']), block['data'], block['mimeType'])
    }
  }
  return { texts, media, notes }
}

/** Texts, each ending in a line break. */
export function joinTexts(texts: readonly string[]): string {
  return texts.map(text => (text.endsWith('\n') ? text : `${text}\n`)).join('')
}

function shown(value: unknown): string {
  return typeof value === 'string' ? displayText(value, 300) : '(unnamed)'
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
