// Resources: text, bytes, a template, and one that changes.
import { png } from './samples.mjs'

export function addResources(server) {
  server.resource(
    'test://static-text',
    { name: 'static-text', description: 'Text that stays', mimeType: 'text/plain' },
    () => 'This is the content of the static text resource.',
  )

  server.resource(
    'test://static-binary',
    { name: 'static-binary', description: 'A picture that stays', mimeType: 'image/png' },
    () => Buffer.from(png, 'base64'),
  )

  server.resource(
    'test://watched-resource',
    { name: 'watched-resource', description: 'Text to watch', mimeType: 'text/plain' },
    () => 'This is the content of the watched resource.',
  )

  server.resourceTemplate(
    'test://template/{id}/data',
    { name: 'template-data', description: 'Data by its id', mimeType: 'application/json' },
    ({ id }) => JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
  )
}
