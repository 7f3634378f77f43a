import type { DocumentAnswer } from './http-answer.ts'

/** Challenge pages say who they are at their beginning. */
const MAX_CHARACTERS = 16_384

const PAGES: readonly (readonly [name: string, pattern: RegExp])[] = [
  [
    'Cloudflare',
    /<title>\s*(?:Just a moment|Attention Required!)|\/cdn-cgi\/challenge-platform\/|cf-browser-verification/iu,
  ],
  [
    'Akamai',
    /<title>\s*Access Denied\s*<\/title>[\s\S]*(?:Reference(?:\s|&#32;)*(?:#|&#35;)|errors\.edgesuite\.net)/iu,
  ],
  ['Imperva', /_Incapsula_Resource|Incapsula incident ID|Powered By Imperva/iu],
  ['AWS WAF', /AwsWafIntegration|awswaf\.com\/|gokuProps/iu],
  ['DataDome', /captcha-delivery\.com\//iu],
]

/**
 * Who put a page of their own in the place of the answer, as firewalls and bot protections do (field P4); undefined when nobody is known to
 * have. A JSON answer is never taken for one.
 */
export function firewallOf({ headers, contentType, body }: DocumentAnswer): string | undefined {
  if (headers?.has('cf-mitigated') === true) return 'Cloudflare'
  if (headers?.get('x-amzn-waf-action') != null) return 'AWS WAF'
  const isPage = /html/iu.test(contentType ?? '') || /^\s*<(?:!doctype|html)/iu.test(body.slice(0, 200))
  if (!isPage) return undefined
  const beginning = body.slice(0, MAX_CHARACTERS)
  return PAGES.find(([, pattern]) => pattern.test(beginning))?.[0]
}
