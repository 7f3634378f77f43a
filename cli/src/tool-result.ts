import { type ContentParts, contentParts } from './content-parts.ts'
import { plainText } from './plain-text.ts'

/** Sorts a tool's answer: its content; structured content as JSON when there is no text. */
export function toolResultParts(result: {
  readonly content?: unknown
  readonly structuredContent?: unknown
}): ContentParts {
  const parts = contentParts(result.content ?? [])
  if (parts.texts.length > 0 || result.structuredContent === undefined) return parts
  return { ...parts, texts: [plainText(JSON.stringify(result.structuredContent, undefined, 2))] }
}
