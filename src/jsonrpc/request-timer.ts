/** `setTimeout` takes at most a signed 32-bit number of milliseconds. */
const MAX_DELAY_MS = 2_147_483_647

export interface RequestTimerOptions {
  /** Milliseconds without an answer or progress. `Infinity`: no limit. */
  readonly timeoutMs: number
  /** Milliseconds in all, whatever the progress. `Infinity`: no limit. */
  readonly maxTotalTimeoutMs: number
  /** Called at most once, with the limit that was reached. */
  readonly onTimeout: (limitMs: number) => void
}

/** Measures how long a request has waited. The clock can stand still, and progress sets the first of its two limits back. */
export interface RequestTimer {
  /** Progress was reported: the waiting time starts anew, the total goes on. */
  restart(): void
  /** Stops the clock until `resume`. Calls do not nest. */
  pause(): void
  resume(): void
  /** Clears everything. */
  stop(): void
}

/** Starts the clock of one request. It is made of `performance.now` and one `setTimeout`. */
export function startRequestTimer({ timeoutMs, maxTotalTimeoutMs, onTimeout }: RequestTimerOptions): RequestTimer {
  let waited = 0
  let total = 0
  let runningSince: number | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  const settle = (): void => {
    if (runningSince === undefined) return
    const elapsed = performance.now() - runningSince
    waited += elapsed
    total += elapsed
    runningSince = undefined
    clearTimeout(timer)
  }
  const remaining = (): number => Math.min(timeoutMs - waited, maxTotalTimeoutMs - total)
  const run = (): void => {
    runningSince = performance.now()
    const delayMs = remaining()
    if (delayMs !== Number.POSITIVE_INFINITY)
      timer = setTimeout(ring, Math.min(Math.max(0, Math.ceil(delayMs)), MAX_DELAY_MS))
  }
  const ring = (): void => {
    settle()
    if (remaining() > 0) run()
    else onTimeout(waited >= timeoutMs ? timeoutMs : maxTotalTimeoutMs)
  }

  run()
  return {
    restart: () => {
      const wasRunning = runningSince !== undefined
      settle()
      waited = 0
      if (wasRunning) run()
    },
    pause: settle,
    resume: () => {
      if (runningSince === undefined) run()
    },
    stop: settle,
  }
}
