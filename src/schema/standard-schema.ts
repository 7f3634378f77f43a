/**
 * A schema of any library that follows Standard Schema: it can judge a value.
 *
 * @see https://standardschema.dev
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': StandardSchemaProps<Input, Output>
}

/** What every Standard Schema says of itself. */
export interface StandardTypedProps<Input = unknown, Output = Input> {
  readonly version: 1
  /** The library, such as `zod`. */
  readonly vendor: string
  /** Only for the types; nothing at run time. */
  readonly types?: StandardTypes<Input, Output> | undefined
}

/** The types of a Standard Schema. */
export interface StandardTypes<Input = unknown, Output = Input> {
  readonly input: Input
  readonly output: Output
}

/** How a Standard Schema judges values. */
export interface StandardSchemaProps<Input = unknown, Output = Input> extends StandardTypedProps<Input, Output> {
  readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
}

/** What a judgement says: the value as the schema makes it, or what is wrong. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

/** One thing that is wrong with a value. */
export interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/**
 * A schema that can say itself as JSON Schema.
 *
 * @see https://standardschema.dev/json-schema
 */
export interface StandardJSONSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': StandardJsonSchemaProps<Input, Output>
}

/** How a schema says itself as JSON Schema. */
export interface StandardJsonSchemaProps<Input = unknown, Output = Input> extends StandardTypedProps<Input, Output> {
  readonly jsonSchema: {
    /** What goes in. May throw when that cannot be said. */
    readonly input: (options: StandardJsonSchemaOptions) => Record<string, unknown>
    /** What comes out. May throw when that cannot be said. */
    readonly output: (options: StandardJsonSchemaOptions) => Record<string, unknown>
  }
}

/** Which JSON Schema is wanted. */
export interface StandardJsonSchemaOptions {
  readonly target: 'draft-2020-12' | 'draft-07' | 'openapi-3.0' | (string & {})
}

/** A schema that judges values and says itself as JSON Schema, as those of zod 4.2 and ArkType do. */
export interface StandardSchemaWithJson<Output = unknown> {
  readonly '~standard': StandardSchemaV1<unknown, Output>['~standard'] &
    StandardJSONSchemaV1<unknown, Output>['~standard']
}
