/** One HTTP exchange as it was seen on the wire. */
export interface Leg {
  /** Who answered: the name given to the server. */
  readonly server: string
  readonly method: string
  readonly url: URL
  readonly requestHeaders: Headers
  readonly requestBody: string
  readonly status: number
  readonly responseHeaders: Headers
  readonly responseBody: string
}

/** Called once per exchange, when its answer has ended. */
export type Recorder = (leg: Leg) => void

/** The members of a form or JSON request body, as text. */
export function requestParameters(leg: Leg): Readonly<Record<string, string>> {
  if (leg.requestHeaders.get('content-type')?.includes('application/x-www-form-urlencoded')) {
    return Object.fromEntries(new URLSearchParams(leg.requestBody))
  }
  const body = jsonBody(leg.requestBody)
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
}

/** The members of a JSON answer; empty for anything else. */
export function answer(leg: Leg): Readonly<Record<string, unknown>> {
  return jsonBody(leg.responseBody)
}

function jsonBody(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
  } catch {
    return {}
  }
}
