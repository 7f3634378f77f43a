import type { RequestOptions } from 'latchkey/client'
import { displayText } from 'latchkey/oauth/protocol'
import type { CommandContext } from './command-context.ts'

/** Shows how far a request has come: in the progress line, and with `--verbose` what becomes of its task. */
export function callProgress(
  { terminal, options }: CommandContext,
  label: string,
): Required<Pick<RequestOptions, 'onProgress' | 'onTask'>> {
  let status = ''
  return {
    onProgress: ({ progress, total, message }) => {
      const share = total === undefined || total <= 0 ? undefined : progress / total
      const count = total === undefined ? ` ${progress}` : ''
      terminal.progress.advance(
        `${label}${count}${message === undefined ? '' : ` · ${displayText(message, 120)}`}`,
        share,
      )
    },
    onTask: task => {
      const next = `${task.status.replace('_', ' ')}${task.statusMessage === undefined ? '' : `: ${displayText(task.statusMessage, 200)}`}`
      if (next === status) return
      status = next
      if (options.verbose === true) {
        terminal.say(terminal.style.dim(`· task ${displayText(task.taskId, 80)}: ${next}`))
      }
      terminal.progress.advance(`${label} · ${next}`)
    },
  }
}
