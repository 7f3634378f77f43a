/** The drafts of JSON Schema that can be applied. */
export type JsonSchemaDraft = '2020-12' | '2019-09' | '7' | '4'

/** The draft that `$schema` names; 2020-12 when there is none, or one that is not known. */
export function draftOf($schema: unknown): JsonSchemaDraft {
  if (typeof $schema !== 'string') return '2020-12'
  if (/draft-0[67]\b/.test($schema)) return '7'
  if ($schema.includes('2019-09')) return '2019-09'
  return $schema.includes('draft-04') ? '4' : '2020-12'
}
