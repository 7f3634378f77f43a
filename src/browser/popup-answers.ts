import type { CallbackHandler, CallbackOutcome } from '../oauth/authorizer.ts'
import { CHANNEL, isPopupAnswer, type PopupReply } from './popup-messages.ts'

/** Answers that come from the callback page. */
export interface PopupAnswers {
  /** Resolves when an answer completed or failed the login. */
  readonly settled: Promise<void>
  /** Waits for what is being worked on; true when none of it was for this login. */
  nothingCame(): Promise<boolean>
  close(): void
}

/** Hands every answer of a callback page of this origin to `handle`, and tells the page what became of it. */
export function receivePopupAnswers(handle: CallbackHandler): PopupAnswers {
  const channel = new BroadcastChannel(CHANNEL)
  const answering = new Set<Promise<CallbackOutcome>>()
  const settled = new Promise<void>(resolve => {
    channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (!isPopupAnswer(data)) return
      const { id, query } = data
      const outcome = handle(new URLSearchParams(query))
      answering.add(outcome)
      void reply(channel, id, outcome).then(({ status }) => {
        answering.delete(outcome)
        if (status !== 'ignored') resolve()
      })
    })
  })
  return {
    settled,
    async nothingCame() {
      return (await Promise.all(answering)).every(({ status }) => status === 'ignored')
    },
    close: () => channel.close(),
  }
}

async function reply(
  channel: BroadcastChannel,
  id: string,
  outcome: Promise<CallbackOutcome>,
): Promise<CallbackOutcome> {
  // Nothing is said about answers that are not for this login: another tab may be waiting for them, and has the word.
  const known = await Promise.race([outcome, nextTurn()])
  if (known?.status !== 'ignored') post(channel, { latchkey: 'reply', id })
  const final = await outcome
  if (final.status !== 'ignored') post(channel, { latchkey: 'reply', id, outcome: final })
  return final
}

/** Throws when the channel was closed meanwhile, and then nobody need be told. */
function post(channel: BroadcastChannel, message: PopupReply): void {
  try {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no target: only its own origin hears it
    channel.postMessage(message)
  } catch {
    // The login was given up.
  }
}

function nextTurn(): Promise<undefined> {
  return new Promise(resolve => setTimeout(resolve, 0, undefined))
}
