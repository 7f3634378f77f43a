/** What a command got could not be written to a file. */
export class OutputError extends Error {
  override readonly name = 'OutputError'
  readonly hint: string | undefined

  constructor(message: string, options: ErrorOptions & { readonly hint?: string } = {}) {
    super(message, options)
    this.hint = options.hint
  }
}
