/** The step of a login or call that a request belongs to. */
export type Step =
  | 'resource-metadata'
  | 'server-metadata'
  | 'registration'
  | 'authorize'
  | 'token'
  | 'revocation'
  | 'mcp'
  | 'unknown'

/** A step told apart further: which document, which grant. */
export type StepVariant =
  | 'resource-metadata:path'
  | 'resource-metadata:root'
  | 'resource-metadata:named'
  | 'server-metadata:oauth'
  | 'server-metadata:oidc'
  | 'server-metadata:oidc-append'
  | 'token:authorization_code'
  | 'token:refresh_token'
  | 'token:other'

/** One request as it arrived, whatever was answered. Holds secrets: it is for tests. */
export interface RecordedRequest {
  readonly step: Step
  readonly variant?: StepVariant
  readonly method: string
  readonly url: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The body when it is form-encoded. */
  readonly form?: URLSearchParams
  /** The body when it is JSON. */
  readonly json?: unknown
  /** The status that was answered; absent while under way and after a dropped connection. */
  status?: number
}

/** Records `request`. Reads a clone of its body. */
export async function recordRequest(
  request: Request,
  step: Step,
  variant: (form: URLSearchParams | undefined) => StepVariant | undefined,
): Promise<RecordedRequest> {
  const body = await request.clone().text()
  const contentType = request.headers.get('content-type')?.toLowerCase() ?? ''
  const form = contentType.startsWith('application/x-www-form-urlencoded') ? new URLSearchParams(body) : undefined
  const json = contentType.startsWith('application/json') ? parsed(body) : undefined
  const found = variant(form)
  return {
    step,
    ...(found !== undefined && { variant: found }),
    method: request.method,
    url: request.url,
    headers: Object.fromEntries(request.headers),
    body,
    ...(form && { form }),
    ...(json !== undefined && { json }),
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
