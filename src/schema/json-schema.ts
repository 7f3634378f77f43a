/** A JSON Schema as a plain object: 2020-12 unless `$schema` says otherwise. */
export interface JsonSchema {
  readonly $schema?: string
  readonly [keyword: string]: unknown
  /** A Standard Schema is not a JSON Schema. */
  readonly '~standard'?: never
}
