import { isObject } from '../jsonrpc/message.ts'
import type {
  AudioContent,
  ContentBlock,
  EmbeddedResource,
  ImageContent,
  ResourceLink,
  TextContent,
} from '../protocol/content.ts'
import type { Resource } from '../protocol/resources.ts'

type Decoration = Pick<TextContent, 'annotations' | '_meta'>

/** A piece of text. */
export function text(value: string, decoration?: Decoration): TextContent {
  return { type: 'text', text: value, ...decoration }
}

/** An image. @param data the bytes, or their Base64 */
export function image(data: Uint8Array | string, mimeType: string, decoration?: Decoration): ImageContent {
  return { type: 'image', data: toBase64(data), mimeType, ...decoration }
}

/** A sound. Towards revision 2024-11-05, which has none, it becomes a line of text. @param data the bytes, or their Base64 */
export function audio(data: Uint8Array | string, mimeType: string, decoration?: Decoration): AudioContent {
  return { type: 'audio', data: toBase64(data), mimeType, ...decoration }
}

/** The contents of a resource, embedded. */
export function embeddedResource(
  resource: { readonly uri: string; readonly mimeType?: string } & (
    | { readonly text: string }
    | { readonly bytes: Uint8Array }
  ),
  decoration?: Decoration,
): EmbeddedResource {
  if ('text' in resource) return { type: 'resource', resource, ...decoration }
  const { bytes, ...rest } = resource
  return { type: 'resource', resource: { ...rest, blob: toBase64(bytes) }, ...decoration }
}

/** A link to a resource. Towards revisions before 2025-06-18, which have none, it becomes a line of text. */
export function resourceLink(resource: Resource): ResourceLink {
  return { type: 'resource_link', ...resource }
}

/** Whether a value is a content block that some revision knows. */
export function isContentBlock(value: unknown): value is ContentBlock {
  if (!isObject(value)) return false
  switch (value['type']) {
    case 'text':
      return typeof value['text'] === 'string'
    case 'image':
    case 'audio':
      return typeof value['data'] === 'string' && typeof value['mimeType'] === 'string'
    case 'resource_link':
      return typeof value['uri'] === 'string' && typeof value['name'] === 'string'
    case 'resource':
      return isObject(value['resource']) && isContents(value['resource'])
    default:
      return false
  }
}

function isContents({ uri, text: written, blob }: Readonly<Record<string, unknown>>): boolean {
  return typeof uri === 'string' && (typeof written === 'string' || typeof blob === 'string')
}

/** Bytes as Base64; a string is taken to be that already. */
export function toBase64(data: Uint8Array | string): string {
  if (typeof data === 'string') return data
  let binary = ''
  // In slices, since a call takes a limited number of arguments; without spreading them, which takes seconds for many megabytes.
  for (let start = 0; start < data.byteLength; start += 0x1000)
    binary += Reflect.apply(String.fromCharCode, undefined, data.subarray(start, start + 0x1000))
  return btoa(binary)
}
