/** Text of somebody else's as it is, line breaks and tabs included, without anything that could drive or mislead a terminal. */
export function plainText(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(/[^\n\t\P{Cc}]+|[\u200e\u200f\u2028-\u202e\u2066-\u2069]+/gu, '')
}
