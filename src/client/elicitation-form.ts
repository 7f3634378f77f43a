import { TransportError } from '../jsonrpc/errors.ts'
import type { ElicitRequestFormParams, ElicitResult } from '../protocol/elicitation.ts'
import { fillForm } from '../protocol/elicitation-form.ts'

type FormContent = NonNullable<ElicitResult['content']>

/**
 * The content of an accepted form: the form's defaults where the answer leaves a member out, checked against the form, so that a server
 * never gets what it did not ask for.
 *
 * @throws {TransportError} `configuration` naming the member, when the handler's answer does not fit
 */
export function completeForm(
  schema: ElicitRequestFormParams['requestedSchema'],
  content: FormContent = {},
): FormContent {
  const filled = fillForm(schema, content)
  if (filled.ok) return filled.content
  const { name, expected, received } = filled
  throw new TransportError(
    'configuration',
    `The elicitation handler's answer does not fit the form: ${name.slice(0, 80)} should be ${expected}`,
    { received, hint: 'Check the content that the handler returns with the action accept' },
  )
}
