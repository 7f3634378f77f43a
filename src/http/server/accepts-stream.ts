import type { HttpRequest } from './http-message.ts'

/** Whether the client reads streams: it says so, or says nothing about what it reads. */
export function acceptsStream(http: HttpRequest): boolean {
  const accept = http.header('accept')
  return accept === undefined || /text\/event-stream|text\/\*|\*\/\*/i.test(accept)
}
