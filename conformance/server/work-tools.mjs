// Tools that take their time, and tell of it; and tools that change what the server has.
import { setTimeout as wait } from 'node:timers/promises'

export function addWorkTools(server) {
  server.tool('test_tool_with_logging', { description: 'Logs what it does' }, async (_args, ctx) => {
    ctx.log('info', 'Tool execution started')
    await wait(50)
    ctx.log('info', 'Tool processing data')
    await wait(50)
    ctx.log('info', 'Tool execution completed')
    return 'Logged three messages.'
  })

  server.tool('test_logging_tool', { description: 'Logs a message' }, (_args, ctx) => {
    ctx.log('info', 'Somebody called the logging tool')
    return 'Logged a message.'
  })

  server.tool('test_tool_with_progress', { description: 'Tells of its progress' }, async (_args, ctx) => {
    await ctx.progress(0, 100)
    await wait(50)
    await ctx.progress(50, 100)
    await wait(50)
    await ctx.progress(100, 100)
    return 'Done, step by step.'
  })

  server.tool('test_reconnection', { description: 'Lets the client come back for the result' }, async (_args, ctx) => {
    ctx.closeStream({ retryAfterMs: 100 })
    await wait(200)
    return 'You came back for this.'
  })

  server.tool('test_trigger_tool_change', { description: 'Adds a tool and removes it' }, () => {
    server.tool('test_passing_tool', { description: 'Does not stay' }, () => 'Still here.').remove()
    return 'The tools have changed.'
  })

  server.tool('test_trigger_prompt_change', { description: 'Adds a prompt and removes it' }, () => {
    server.prompt('test_passing_prompt', { description: 'Does not stay' }, () => 'Still here.').remove()
    return 'The prompts have changed.'
  })
}
