import type { OAuthError } from '../oauth/errors.ts'
import type { DocumentReader } from '../oauth/metadata-document.ts'
import { displayUrl } from '../oauth/protocol/display-text.ts'
import { describeAnswer } from '../oauth/protocol/http-answer.ts'

/** One document that was looked for, and what was there. */
export interface DocumentTrace {
  readonly step: string
  readonly url: string
  readonly kind: 'found' | 'absent' | 'invalid' | 'unavailable'
  /** `404 text/plain`, or what went wrong. */
  readonly received: string
  /** A page answered where a document could be. */
  readonly isPage: boolean
  readonly error?: OAuthError
}

/** Wraps a reader so that `onTrace` hears of every document that it was asked for, once for all its tries (field D1). */
export function traceDocuments(read: DocumentReader, onTrace: (trace: DocumentTrace) => void): DocumentReader {
  return async (document, judge) => {
    let seen: string | undefined
    let isPage = false
    const verdict = await read(document, response => {
      seen = describeAnswer(response)
      isPage = response.status === 200 && /html/iu.test(response.contentType ?? '')
      return judge(response)
    })
    const { step } = document
    const error = verdict.kind === 'invalid' || verdict.kind === 'unavailable' ? verdict.error : undefined
    const why = verdict.kind === 'absent' ? verdict.why : error?.detail.received
    const received = [seen, why].filter((text, index, all) => text !== undefined && all.indexOf(text) === index)
    onTrace({
      step,
      url: displayUrl(document.url),
      kind: verdict.kind,
      received: received.join(', ') || 'no answer',
      isPage,
      ...(error && { error }),
    })
    return verdict
  }
}
