/** The exit codes of the contract. */
export const EXIT = {
  done: 0,
  /** The tool returned `isError`, or any other failure. */
  failed: 1,
  usage: 2,
  /** A person has to answer something, and interaction is not allowed here. */
  interactionNeeded: 3,
  /** Authorization failed or was refused. */
  authorizationFailed: 4,
  /** Server unreachable, or it broke the protocol. */
  unreachable: 5,
  /** Ended by Ctrl-C (128 + SIGINT). */
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
