/** 192 bits that nobody can guess, as hexadecimal digits: fit for headers, URLs and every store. */
export function createRandomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(24)), byte => byte.toString(16).padStart(2, '0')).join('')
}

/** Whether this could be one of our ids: nothing else is looked up in a store. */
export function isRandomId(value: string): boolean {
  return /^[0-9a-f]{48}$/.test(value)
}
