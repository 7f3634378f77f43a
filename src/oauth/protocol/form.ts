/**
 * A form of `own` parameters, those that are undefined left out, and `extra` ones that a provider wants. The extra ones never override ours,
 * one that is left out included.
 */
export function formOf(
  own: Readonly<Record<string, string | undefined>>,
  extra?: Readonly<Record<string, string>>,
): URLSearchParams {
  const parameters = new URLSearchParams(extra)
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined) parameters.delete(name)
    else parameters.set(name, value)
  }
  return parameters
}
