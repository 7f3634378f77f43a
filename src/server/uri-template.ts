import { expandTemplate, type TemplateValues } from './uri-template-expansion.ts'
import { createTemplateMatcher } from './uri-template-matcher.ts'
import { parseTemplateParts } from './uri-template-syntax.ts'

/** A pattern of URIs with variables. Made by {@link parseUriTemplate}. */
export interface UriTemplate {
  /** As it was written. */
  readonly template: string
  /** Names of its variables, each once, in their order. */
  readonly variables: readonly string[]
  /**
   * What the variables are in a URI, percent-decoded; `undefined` when the URI is not of this template. Never throws. Work and memory grow with the
   * URI's length times the template's parts, never faster; a URI of more than 16 384 characters (as percent-encoded) does not match.
   *
   * - `{var}`, `{.var}`, `{/var}`, `{;var}`: no `/`, `?`, `#` or `&`. A decoded value that holds `/`, `\` or NUL, or is `.` or `..`, does not match, so that a
   *   handler that joins it to a path stays in its folder (`%2F..%2F`). Only `{;var}` may be empty; all but `{var}` may be absent.
   * - `{+var}`, `{#var}`: anything, also nothing; directly before `{?…}` or `{#…}` no `?` or `#`. **Untrusted:** `../` and NUL are handed over as they came.
   * - `{?var}`, `{&var}`: in any order, any may be absent. Values are untrusted as well. Parameters of other names are passed over; one that comes twice without
   *   being a list does not match. `+` is a plus, not a space.
   * - `*` gives a list. Without it, what holds commas stays one string. Variables in one expression are given values from the left.
   * - `:n`: at most n characters; a variable that appears again must agree.
   *
   * Where text between variables could be either (`{a}-{b}` and `x-y-z`), the earlier variable gets the longest value.
   */
  match(uri: string): Readonly<Record<string, string | readonly string[]>> | undefined
  /**
   * Writes a URI: all of RFC 6570 up to level 4, but associative arrays. A variable without a value, or with an empty list, is left out.
   *
   * @throws {TypeError} a value holds half a surrogate pair, or is a list where a prefix (`:n`) is asked for
   */
  expand(values: Readonly<Record<string, string | readonly string[] | undefined>>): string
}

/**
 * Reads a URI template.
 *
 * @param template at most 8 192 characters and 64 variables
 * @throws {TypeError} the template is malformed, too large, or ambiguous for `match`: two expressions side by side that cannot be told apart
 *   (`{a}{b}`, `{name}{.extension}`, `{?a}{&b}`), two lists in one expression, a list that appears again
 * @see {@link https://www.rfc-editor.org/rfc/rfc6570 | RFC 6570}
 */
export function parseUriTemplate(template: string): UriTemplate {
  const parts = parseTemplateParts(template)
  const names = parts.flatMap(part => (part.kind === 'expression' ? part.variables.map(({ name }) => name) : []))
  return {
    template,
    variables: [...new Set(names)],
    match: createTemplateMatcher(template, parts),
    expand: (values: TemplateValues) => expandTemplate(parts, values),
  }
}
