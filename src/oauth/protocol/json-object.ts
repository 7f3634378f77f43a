/** A JSON object whose members are not known yet. */
export type JsonObject = Readonly<Record<string, unknown>>

/** True for what JSON calls an object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The JSON object in `body`, whatever the content type said; undefined when it is not JSON or another kind of value. */
export function parseJsonObject(body: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(body.replace(/^\uFEFF/u, ''))
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** A member that is a non-empty string; null, other types and `""` are absent. */
export function stringMember(object: JsonObject, name: string): string | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : undefined
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A member that is an array, its strings only; anything else is absent, an empty array is not. */
export function stringListMember(object: JsonObject, name: string): readonly string[] | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : undefined
  return Array.isArray(value) ? value.filter((item: unknown): item is string => typeof item === 'string') : undefined
}
