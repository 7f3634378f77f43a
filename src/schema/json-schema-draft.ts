/** The drafts of JSON Schema that can be applied. */
export type JsonSchemaDraft = '2020-12' | '2019-09' | '7' | '4'

/** The draft that `$schema` names; 2020-12 when there is none, undefined for one that is not known. draft-06 is read as draft-07. */
export function draftOf($schema: unknown): JsonSchemaDraft | undefined {
  // The address without a draft is that of the newest.
  if (typeof $schema !== 'string' || /2020-12|\/json-schema\.org\/schema#?$/.test($schema)) return '2020-12'
  if (/draft-0[67]\b/.test($schema)) return '7'
  if ($schema.includes('2019-09')) return '2019-09'
  return $schema.includes('draft-04') ? '4' : undefined
}
