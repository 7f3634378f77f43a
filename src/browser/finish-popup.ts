import type { CallbackOutcome } from '../oauth/authorizer.ts'
import { CHANNEL, isPopupReply, type PopupAnswer } from './popup-messages.ts'

/** How long the page that began a login has to say that it is there. */
const SILENCE_MS = 2_000
/** How long it may then take to redeem the code. */
const PATIENCE_MS = 60_000

const NOBODY = 'The page that began this login is gone, or no longer waits for it. Go back to it and log in again.'

/** Options of {@link finishPopup}. */
export interface FinishPopupOptions {
  /** Whether to close this window after a login that worked. Default true. */
  readonly close?: boolean
}

/**
 * Ends a login in the window that `createPopupAuthorizer` opened: to be called by the page at its redirect URI. Takes the answer out of the
 * address bar, hands it to the page that began the login, and closes the window when tokens are stored. Resolves to what is to be shown
 * otherwise: `message` is safe as text. Never rejects.
 */
export async function finishPopup({ close = true }: FinishPopupOptions = {}): Promise<CallbackOutcome> {
  const query = location.search.slice(1)
  // Before anything else on this page can read or send it.
  history.replaceState(history.state, '', location.pathname)
  const outcome = await handOver({ latchkey: 'answer', id: crypto.randomUUID(), query })
  if (outcome.status === 'completed' && close) window.close()
  return outcome
}

function handOver(answer: PopupAnswer): Promise<CallbackOutcome> {
  return new Promise(resolve => {
    const channel = new BroadcastChannel(CHANNEL)
    const end = (outcome: CallbackOutcome): void => {
      clearTimeout(timer)
      channel.close()
      resolve(outcome)
    }
    const giveUp = (): void => end({ status: 'ignored', message: NOBODY })
    let timer = setTimeout(giveUp, SILENCE_MS)
    channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (!isPopupReply(data) || data.id !== answer.id) return
      if (data.outcome) {
        end(data.outcome)
        return
      }
      clearTimeout(timer)
      timer = setTimeout(giveUp, PATIENCE_MS)
    })
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no target: only its own origin hears it
    channel.postMessage(answer)
  })
}
