/** The shells that can be completed. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const

export type Shell = (typeof SHELLS)[number]

/** The command that answers a key press; not for people. */
export const COMPLETE_COMMAND = '__complete'
