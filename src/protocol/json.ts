/** Any value that JSON can carry. */
export type JSONValue = string | number | boolean | null | JSONObject | JSONArray

/** A JSON object. */
export interface JSONObject {
  readonly [member: string]: JSONValue
}

/** A JSON array. */
export type JSONArray = readonly JSONValue[]
