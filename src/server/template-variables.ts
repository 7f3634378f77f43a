/**
 * The variables of a URI template, by name, decoded and otherwise as the client sent them. What `{name}` and `{+name}` stand for is always there; what
 * other expressions, or several variables of one, stand for may be missing. `{name*}` is a list. Of a template that only the running program knows,
 * any of it.
 */
export type TemplateVariables<Template extends string = string> = string extends Template
  ? Readonly<Record<string, string | readonly string[]>>
  : { readonly [Spec in SpecsOf<Template> as NameOf<Spec>]: ValueOf<Spec> }

/** Every variable as the template writes it, those that may be missing with a question mark before. */
type SpecsOf<Template extends string> = Template extends `${string}{${infer Expression}}${infer Rest}`
  ? SpecsIn<Expression> | SpecsOf<Rest>
  : never

type SpecsIn<Expression extends string> = Expression extends `+${infer Name}`
  ? SpecsIn<Name>
  : Expression extends `${'#' | '.' | '/' | ';' | '?' | '&'}${infer Names}`
    ? Missable<Names>
    : Expression extends `${string},${string}`
      ? Missable<Expression>
      : Expression

type Missable<Names extends string> = Names extends `${infer Name},${infer Others}`
  ? `?${Name}` | Missable<Others>
  : `?${Names}`

type NameOf<Spec extends string> = Spec extends `?${infer Present}`
  ? NameOf<Present>
  : Spec extends `${infer Name}*` | `${infer Name}:${string}`
    ? Name
    : Spec

type ValueOf<Spec extends string> = Spec extends `?${infer Present}`
  ? ValueOf<Present> | undefined
  : Spec extends `${string}*`
    ? readonly string[]
    : string
