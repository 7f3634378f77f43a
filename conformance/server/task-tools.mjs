// Tools whose work goes on as a task where the client knows tasks.
import { setTimeout as wait } from 'node:timers/promises'
import { elicit, ToolError } from 'latchkey/server'
import { askName } from './question-tools.mjs'

const input = properties => ({ type: 'object', properties, required: Object.keys(properties) })
const confirmation = message => elicit({ message, schema: input({ confirm: { type: 'boolean' } }) })

export function addTaskTools(server) {
  server.tool(
    'greet',
    { description: 'Greets at once', input: input({ name: { type: 'string' } }) },
    ({ name }) => `Hello, ${name}!`,
  )

  server.tool(
    'slow_compute',
    {
      description: 'Computes for some seconds',
      input: input({ seconds: { type: 'number' }, label: { type: 'string' } }),
    },
    ({ seconds, label }, ctx) =>
      ctx.task(async task => {
        await wait(seconds * 1000, undefined, { signal: task.signal })
        return `${label}: computed for ${seconds} s.`
      }),
  )

  server.tool('failing_job', { description: 'Fails after a second', task: 'required' }, (_args, ctx) =>
    ctx.task(async task => {
      await wait(1000, undefined, { signal: task.signal })
      throw new ToolError('This job always fails')
    }),
  )

  server.tool(
    'protocol_error_job',
    { description: 'Breaks the promise of its output schema', output: input({ answer: { type: 'number' } }) },
    (_args, ctx) => ctx.task(() => ({ answer: 'not a number' })),
  )

  server.tool(
    'confirm_delete',
    { description: 'Asks before it deletes', input: input({ filename: { type: 'string' } }) },
    ({ filename }, ctx) =>
      ctx.task(async task => {
        const { sure } = await task.ask({ sure: confirmation(`Delete ${filename}?`) })
        return sure.confirm ? `Deleted ${filename}.` : `Kept ${filename}.`
      }),
  )

  server.tool('multi_input', { description: 'Asks two things at once' }, (_args, ctx) =>
    ctx.task(async task => {
      const { first, second } = await task.ask({ first: askName(), second: askName() })
      return `${first.name} and ${second.name}`
    }),
  )

  server.tool(
    'test_tool_with_task',
    {
      description: 'Asks for a name, and then goes on as a task',
      task: 'required',
      asks: () => ({ user_name: askName() }),
    },
    (_args, { answers, task }) => task(() => `Hello, ${answers.user_name.name}!`),
  )
}
