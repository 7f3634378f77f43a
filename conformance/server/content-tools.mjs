// Tools that answer at once, with every kind of content.
import { audio, embeddedResource, image, text, ToolError } from 'latchkey/server'
import { png, wav } from './samples.mjs'

/** What `json_schema_2020_12_tool` takes: every keyword must reach the client as it stands here. */
const contact = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
}

export function addContentTools(server) {
  server.tool(
    'test_x_mcp_header',
    {
      description: 'Says in which region it ran; the region travels in a header too',
      input: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } },
    },
    ({ region = 'nowhere' }) => `It ran in ${region}.`,
  )

  server.tool('test_simple_text', { description: 'Returns text' }, () => 'This is a simple text response for testing.')

  server.tool('test_image_content', { description: 'Returns an image' }, () => image(png, 'image/png'))

  server.tool('test_audio_content', { description: 'Returns a sound' }, () => audio(wav, 'audio/wav'))

  server.tool('test_embedded_resource', { description: 'Returns an embedded resource' }, () =>
    embeddedResource({
      uri: 'test://embedded-resource',
      mimeType: 'text/plain',
      text: 'This is an embedded resource content.',
    }),
  )

  server.tool('test_multiple_content_types', { description: 'Returns several kinds of content' }, () => [
    text('Multiple content types test:'),
    image(png, 'image/png'),
    embeddedResource({
      uri: 'test://mixed-content-resource',
      mimeType: 'application/json',
      text: JSON.stringify({ test: 'data', value: 123 }),
    }),
  ])

  server.tool('test_error_handling', { description: 'Always fails' }, () => {
    throw new ToolError('This tool intentionally returns an error for testing')
  })

  server.tool(
    'json_schema_2020_12_tool',
    { description: 'Takes what only JSON Schema 2020-12 can describe', input: contact },
    ({ name = 'somebody' }) => `Noted how to reach ${name}.`,
  )
}
