import type {
  Annotations,
  AudioContent,
  ContentBlock,
  EmbeddedResource,
  ImageContent,
  ResourceLink,
  Role,
  TextContent,
} from './content.ts'
import type { Icon } from './implementation.ts'
import type { MetaObject } from './meta.ts'
import type { BlobResourceContents, Resource, TextResourceContents } from './resources.ts'
import { anyObject, list, mismatch, Mismatch, number, object, oneOf, string, variants } from './shape.ts'
import type { MemberShapes, Shape } from './shape.ts'

/** `_meta` of anything. */
export const metaObject: Shape<MetaObject> = anyObject()

/** `icons` of anything. */
export const icons: Shape<readonly Icon[]> = list(
  object<Icon>({ src: string }, {}, { mimeType: string, sizes: list(string), theme: oneOf('light', 'dark') }),
)

/** A role in a conversation. */
export const role: Shape<Role> = oneOf('user', 'assistant')

/** Hints on use. */
export const annotations: Shape<Annotations> = object(
  {},
  {},
  { audience: list(role), priority: number, lastModified: string },
)

/** What a resource and a link to one have in common. */
export const RESOURCE_DECORATION: MemberShapes<Resource> = {
  title: string,
  description: string,
  mimeType: string,
  icons,
  annotations,
  size: number,
  _meta: metaObject,
}

const contents = object<TextResourceContents & BlobResourceContents>(
  { uri: string },
  { text: string, blob: string },
  { mimeType: string, _meta: metaObject },
)

/** Contents of a resource: text, or bytes in Base64. */
export const resourceContents: Shape<TextResourceContents | BlobResourceContents> = value => {
  const read = contents(value)
  if (read instanceof Mismatch || 'text' in read || 'blob' in read) return read
  return mismatch('an object with text or blob', value)
}

const decoration = { annotations, _meta: metaObject }

/** A content block; one of an unknown type passes. */
export const contentBlock: Shape<ContentBlock> = variants<'type', ContentBlock>('type', {
  text: object<TextContent>({ text: string }, {}, decoration),
  image: object<ImageContent>({ data: string, mimeType: string }, {}, decoration),
  audio: object<AudioContent>({ data: string, mimeType: string }, {}, decoration),
  resource_link: object<ResourceLink>({ uri: string, name: string }, {}, RESOURCE_DECORATION),
  resource: object<EmbeddedResource>({ resource: resourceContents }, {}, decoration),
})
