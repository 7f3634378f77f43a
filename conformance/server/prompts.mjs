// Prompts of every kind.
import { elicit, embeddedResource, image, text } from 'latchkey/server'
import { png } from './samples.mjs'

const words = ['paris', 'park', 'party', 'test']
const complete = value => words.filter(word => word.startsWith(value))

export function addPrompts(server) {
  server.prompt('test_simple_prompt', { description: 'Takes nothing' }, () => 'This is a simple prompt for testing.')

  server.prompt(
    'test_prompt_with_arguments',
    {
      description: 'Takes two arguments',
      arguments: {
        arg1: { description: 'The first', required: true, complete },
        arg2: { description: 'The second', required: true },
      },
    },
    ({ arg1, arg2 }) => `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`,
  )

  server.prompt(
    'test_prompt_with_embedded_resource',
    {
      description: 'Embeds a resource',
      arguments: { resourceUri: { description: 'Which one', required: true } },
    },
    ({ resourceUri }) => [
      { role: 'user', content: embeddedResource({ uri: resourceUri, mimeType: 'text/plain', text: 'For testing.' }) },
      { role: 'user', content: text('Please process the embedded resource above.') },
    ],
  )

  server.prompt('test_prompt_with_image', { description: 'Shows an image' }, () => [
    { role: 'user', content: image(png, 'image/png') },
    { role: 'user', content: text('Please look at the image above.') },
  ])

  const context = { type: 'object', properties: { context: { type: 'string' } }, required: ['context'] }
  server.prompt(
    'test_input_required_result_prompt',
    {
      description: 'Asks for its context',
      asks: () => ({ user_context: elicit({ message: 'What context should the prompt use?', schema: context }) }),
    },
    (_args, { answers }) => `Use this context: ${answers.user_context.context}`,
  )
}
