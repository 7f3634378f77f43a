// Tools that ask the user, the model or the client before they answer.
import { elicit, listRoots, needInput, sample } from 'latchkey/server'
import { choices, defaults } from './forms.mjs'

const form = (message, properties) =>
  elicit({ message, schema: { type: 'object', properties, required: Object.keys(properties) } })

export const askName = () => form('What is your name?', { name: { type: 'string' } })
const askConfirmation = () => form('Please confirm', { ok: { type: 'boolean' } })
const askModel = (prompt, maxTokens = 100) =>
  sample({ messages: [{ role: 'user', content: { type: 'text', text: prompt } }], maxTokens })

export function addQuestionTools(server) {
  addLiveTools(server)
  addRoundTools(server)
}

/** Tools that ask while they run, for clients that keep a session. */
function addLiveTools(server) {
  const prompt = { type: 'object', properties: { prompt: { type: 'string' } }, required: ['prompt'] }
  server.tool('test_sampling', { description: 'Asks the model', input: prompt }, async (args, ctx) => {
    const { content } = await ctx.sample(askModel(args.prompt).params)
    return `LLM response: ${content.text}`
  })

  const message = { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] }
  server.tool('test_elicitation', { description: 'Asks the user', input: message }, async (args, ctx) => {
    const properties = { username: { type: 'string' }, email: { type: 'string' } }
    const user = await ctx.elicit({
      message: args.message,
      schema: { type: 'object', properties, required: ['username', 'email'] },
    })
    return `User response: ${JSON.stringify(user)}`
  })
}

/** Tools that declare what they ask, which works with every client. */
function addRoundTools(server) {
  const add = (name, description, asks, answer) => server.tool(name, { description, asks }, answer)

  add(
    'test_elicitation_sep1034_defaults',
    'Asks with defaults',
    () => ({ user: elicit({ message: 'Please check', schema: defaults }) }),
    (_args, { answers }) => `Elicitation completed: ${JSON.stringify(answers.user)}`,
  )
  add(
    'test_elicitation_sep1330_enums',
    'Asks with choices',
    () => ({ user: elicit({ message: 'Please choose', schema: choices }) }),
    (_args, { answers }) => `Elicitation completed: ${JSON.stringify(answers.user)}`,
  )
  add(
    'test_missing_capability',
    'Needs a model',
    () => ({ thought: askModel('What do you think?') }),
    (_args, { answers }) => answers.thought.content.text,
  )
  add(
    'test_streaming_elicitation',
    'Asks for a confirmation',
    () => ({ confirm: askConfirmation() }),
    (_args, { answers }) => `Confirmed: ${answers.confirm.ok}`,
  )
  add(
    'test_input_required_result_elicitation',
    'Asks for a name',
    () => ({ user_name: askName() }),
    (_args, { answers }) => `Hello, ${answers.user_name.name}!`,
  )
  add(
    'test_input_required_result_sampling',
    'Asks the model',
    () => ({ capital_question: askModel('What is the capital of France?') }),
    (_args, { answers }) => answers.capital_question.content.text,
  )
  add(
    'test_input_required_result_list_roots',
    'Asks for the roots',
    () => ({ client_roots: listRoots() }),
    (_args, { answers }) => `Roots: ${answers.client_roots.map(root => root.uri).join(', ')}`,
  )
  add(
    'test_input_required_result_multiple_inputs',
    'Asks for three things in one go',
    () => ({ user_name: askName(), greeting: askModel('Generate a greeting', 50), client_roots: listRoots() }),
    (_args, { answers }) =>
      `${answers.greeting.content.text} ${answers.user_name.name} has ${answers.client_roots.length} root(s).`,
  )
  add(
    'test_input_required_result_multi_round',
    'Asks for a name, and then for a color',
    (_args, { answers }) => ({
      step1: form('Step 1: What is your name?', { name: { type: 'string' } }),
      step2: answers.step1 && form(`Step 2: What is your favorite color?`, { color: { type: 'string' } }),
    }),
    (_args, { answers }) => `${answers.step1.name} likes ${answers.step2.color}.`,
  )
  add(
    'test_input_required_result_tampered_state',
    'Asks for a confirmation',
    () => ({ confirm: askConfirmation() }),
    (_args, { answers }) => `Confirmed: ${answers.confirm.ok}`,
  )
  add(
    'test_input_required_result_capabilities',
    'Asks whoever can be asked',
    (_args, { client }) =>
      client.capabilities.elicitation ? { user_name: askName() } : { thought: askModel('Make up a name') },
    (_args, { answers }) => `Hello, ${answers.user_name?.name ?? answers.thought.content.text}!`,
  )

  server.tool(
    'test_input_required_result_request_state',
    { description: 'Finds out midway that it needs a confirmation' },
    (_args, { answers, state }) =>
      answers.confirm
        ? `Began at ${state.begun}, confirmed: ${answers.confirm.ok}, state-ok`
        : needInput({ asks: { confirm: askConfirmation() }, state: { begun: new Date().toISOString() } }),
  )
}
