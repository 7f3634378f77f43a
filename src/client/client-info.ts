import type { Implementation } from '../protocol/implementation.ts'

/** How a client names itself unless its options say otherwise. */
export const DEFAULT_CLIENT_INFO: Implementation = { name: 'latchkey', version: '0.1.0' }
