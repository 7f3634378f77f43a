import { displayText } from 'latchkey/oauth/protocol'
import { plainText } from './plain-text.ts'

/** A tool's answer, sorted by who reads it. */
export interface ToolResultText {
  /** Data, for stdout; ends in a line break unless empty. */
  readonly data: string
  /** Lines for people: what cannot be shown as text. */
  readonly notes: readonly string[]
}

/** Renders a tool's answer: text blocks as they are, structured content as JSON when there is no text, the rest as notes. */
export function renderToolResult(result: {
  readonly content?: unknown
  readonly structuredContent?: unknown
}): ToolResultText {
  const parts: string[] = []
  const notes: string[] = []
  for (const block of Array.isArray(result.content) ? result.content : []) {
    if (isRecord(block)) renderBlock(block, parts, notes)
  }
  if (parts.length === 0 && result.structuredContent !== undefined) {
    parts.push(plainText(JSON.stringify(result.structuredContent, undefined, 2)))
  }
  const data = parts.map(part => (part.endsWith('\n') ? part : `${part}\n`)).join('')
  return { data, notes }
}

function renderBlock(block: Readonly<Record<string, unknown>>, parts: string[], notes: string[]): void {
  const resource = isRecord(block['resource']) ? block['resource'] : {}
  switch (block['type']) {
    case 'text':
      if (typeof block['text'] === 'string') parts.push(plainText(block['text']))
      return
    case 'resource':
      if (typeof resource['text'] === 'string') parts.push(plainText(resource['text']))
      else notes.push(binaryNote(`resource ${shown(resource['uri'])}`, resource['mimeType'], resource['blob']))
      return
    case 'resource_link':
      parts.push([shown(block['uri']), block['title'] ?? block['name']].filter(Boolean).map(shown).join('  '))
      return
    default:
      notes.push(binaryNote(shown(block['type']), block['mimeType'], block['data']))
  }
}

function binaryNote(what: string, mimeType: unknown, base64: unknown): string {
  const size = typeof base64 === 'string' ? `, ${sizeText(Math.floor((base64.replace(/=+$/, '').length * 3) / 4))}` : ''
  const type = typeof mimeType === 'string' ? shown(mimeType) : 'unknown type'
  return `${what} (${type}${size}) is not shown; --json prints it`
}

function sizeText(bytes: number): string {
  if (bytes < 1_024) return `${bytes} bytes`
  return bytes < 1_048_576 ? `${(bytes / 1_024).toFixed(1)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`
}

function shown(value: unknown): string {
  return typeof value === 'string' ? displayText(value, 300) : '(unnamed)'
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
