import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  createMemoryStateClaim,
  createServer,
  elicit,
  elicitUrl,
  needInput,
  type Server,
  type ServerOptions,
} from '../../src/server.ts'
import type { FormAsk } from '../../src/server/asks.ts'
import { makeCall } from './raw-connection.ts'

const yes = z.object({ yes: z.boolean() })
const accepted = { action: 'accept', content: { yes: true } }
const forms = { elicitation: {} }
/** Milliseconds since the epoch, moved by tests. */
let time = 0

interface World {
  readonly server: Server
  readonly runs: unknown[]
  /** Calls a tool, and gives its result or error. */
  call(params: object, options?: Parameters<typeof makeCall>[3] & { readonly method?: string }): Promise<any>
}

function world(options: Partial<ServerOptions> = {}): World {
  time = 1_000_000
  const runs: unknown[] = []
  const server = createServer({ name: 'sealed', version: '1', now: () => time, ...options })
  for (const name of ['pay', 'give'])
    server.tool(name, { asks: () => ({ confirm: elicit({ message: 'Sure?', schema: yes }) }) }, args => {
      runs.push(args)
      return 'done'
    })
  server.prompt('pay', { asks: () => ({ confirm: elicit({ message: 'Sure?', schema: yes }) }) }, () => 'done')
  const call: World['call'] = async (params, { method = 'tools/call', ...rest } = {}) => {
    const { answer } = makeCall(server, method, params, { capabilities: forms, ...rest })
    const { result, error } = (await answer) ?? {}
    return error ?? result
  }
  return { server, runs, call }
}

const PAY = { name: 'pay', arguments: { amount: '10' } }

async function ask({ call }: World, params: object = PAY, options = {}): Promise<string> {
  const { resultType, requestState } = await call(params, options)
  expect(resultType).toBe('input_required')
  return requestState
}

describe('state that travels through the client', () => {
  it('continues the call it belongs to, whatever the order of members and the _meta', async () => {
    const w = world()
    const requestState = await ask(w, { arguments: { a: 1, b: 2 }, name: 'pay' }, { principal: 'ada' })
    const again = { name: 'pay', arguments: { b: 2, a: 1 }, requestState, inputResponses: { confirm: accepted } }
    expect(await w.call(again, { principal: 'ada', meta: { progressToken: 5 } })).toMatchObject({
      resultType: 'complete',
    })
    expect(w.runs).toHaveLength(1)
  })

  const given = { inputResponses: { confirm: accepted } }
  it.each([
    ['another principal presents', PAY, { principal: 'eve' }, /another request or another login/],
    ['nobody in particular presents', PAY, {}, /another request or another login/],
    ['is presented for another tool', { ...PAY, name: 'give' }, { principal: 'ada' }, /another request/],
    [
      'is presented with other arguments',
      { ...PAY, arguments: { amount: '1000' } },
      { principal: 'ada' },
      /another request/,
    ],
    ['is presented with another method', PAY, { principal: 'ada', method: 'prompts/get' }, /another request/],
  ])('is refused when %s', async (_case, params, options, message) => {
    const w = world()
    const requestState = await ask(w, PAY, { principal: 'ada' })
    expect(await w.call({ ...params, requestState, ...given }, options)).toMatchObject({
      code: -32602,
      message: expect.stringMatching(message),
    })
    expect(w.runs).toEqual([])
  })

  it('is refused when it was tampered with, sealed by another server, or is no text', async () => {
    const w = world()
    const requestState = await ask(w)
    const foreign = await ask(world())
    const flipped = requestState.replace(/.$/, last => (last === 'A' ? 'B' : 'A'))
    for (const wrong of [`${requestState}-TAMPERED`, flipped, foreign, '', 5, { payload: {} }])
      expect(await w.call({ ...PAY, requestState: wrong, ...given })).toMatchObject({
        code: -32602,
        message: expect.stringMatching(/not what this server gave out/),
      })
    expect(w.runs).toEqual([])
  })

  it('is refused once a person had the time to answer', async () => {
    const w = world({ stateLifetimeMs: 60_000 })
    const requestState = await ask(w)
    time += 60_000
    expect(await w.call({ ...PAY, requestState, ...given })).toMatchObject({
      code: -32602,
      message: expect.stringMatching(/expired/),
    })
    expect(w.runs).toEqual([])
  })

  it('counts once where states are claimed', async () => {
    const w = world({ claimState: createMemoryStateClaim() })
    const requestState = await ask(w)
    expect(await w.call({ ...PAY, requestState, ...given })).toMatchObject({ resultType: 'complete' })
    expect(await w.call({ ...PAY, requestState, ...given })).toMatchObject({
      code: -32602,
      message: expect.stringMatching(/used before/),
    })
    expect(w.runs).toHaveLength(1)
  })

  it('is needed for answers where states are claimed, since an answer without one could be sent again', async () => {
    const w = world({ claimState: createMemoryStateClaim() })
    expect(await w.call({ ...PAY, ...given })).toMatchObject({ resultType: 'input_required' })
    expect(w.runs).toEqual([])
  })

  it('of another process tells onError that they need the same key, and nothing of it', async () => {
    const requestState = await ask(world())
    const errors: unknown[] = []
    const w = world({ onError: error => errors.push(error) })
    await w.call({ ...PAY, requestState, inputResponses: { confirm: accepted } })
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining('the same stateKey') })])
    expect(String(errors[0])).not.toContain(requestState)
  })

  it('opens in another process with the same key', async () => {
    const stateKey = new Uint8Array(32).fill(7)
    const requestState = await ask(world({ stateKey }))
    const other = world({ stateKey })
    expect(await other.call({ ...PAY, requestState, ...given })).toMatchObject({ resultType: 'complete' })
  })

  it('goes back and forth without questions too, and not for ever', async () => {
    const w = world()
    w.server.tool('silent', {}, () => {
      w.runs.push(0)
      return needInput({ asks: {} })
    })
    let requestState: string | undefined
    for (let round = 0; round < 20; round++) requestState = await ask(w, { name: 'silent', requestState })
    expect(await w.call({ name: 'silent', requestState })).toMatchObject({
      code: -32603,
      message: expect.stringContaining('20 times'),
    })
    expect(w.runs).toHaveLength(21)
  })

  it('holds nothing that the client can read', async () => {
    const w = world()
    w.server.tool('secret', {}, (_args, { state }) =>
      state === undefined
        ? needInput({ asks: { a: elicit({ message: 'A?', schema: yes }) }, state: { key: 'canary-9' } })
        : 'x',
    )
    const requestState = await ask(w, { name: 'secret' })
    expect(requestState).not.toContain('canary-9')
    expect(atob(requestState.slice(3).replaceAll('-', '+').replaceAll('_', '/'))).not.toContain('canary-9')
  })
})

it('nobody is asked again what the request does not declare, whatever the one before declared', async () => {
  const w = world()
  const asks = {
    form: elicit({ message: 'A?', schema: yes }),
    page: elicitUrl({ message: 'Pay', url: 'https://pay.example/' }),
  }
  w.server.tool('midway', {}, (_args, { state }) => (state === undefined ? needInput({ asks, state: 1 }) : 'x'))
  const both = { elicitation: { form: {}, url: {} } }
  const first = await w.call({ name: 'midway' }, { capabilities: both })
  const { requestState, inputRequests } = first
  const answered = { name: 'midway', requestState, inputResponses: { form: accepted } }
  expect(await w.call(answered, { capabilities: forms })).toMatchObject({
    code: -32021,
    data: { requiredCapabilities: { elicitation: { url: {} } } },
  })
  const again = await w.call(answered, { capabilities: both })
  expect(again.inputRequests).toEqual({ page: inputRequests.page })
  const done = { name: 'midway', requestState: again.requestState, inputResponses: { page: { action: 'accept' } } }
  expect(await w.call(done, { capabilities: {} })).toMatchObject({ resultType: 'complete' })
})

describe('answers', () => {
  it('count only for the question that was asked, even under the same name', async () => {
    const w = world()
    let price = 10
    w.server.tool('buy', { asks: () => ({ confirm: elicit({ message: `Pay ${price}?`, schema: yes }) }) }, () => {
      w.runs.push(price)
      return 'bought'
    })
    const requestState = await ask(w, { name: 'buy' })
    price = 1000
    const again = await w.call({ name: 'buy', requestState, inputResponses: { confirm: accepted } })
    expect(again).toMatchObject({
      resultType: 'input_required',
      inputRequests: { confirm: { params: { message: 'Pay 1000?' } } },
    })
    expect(w.runs).toEqual([])
    const done = { name: 'buy', requestState: again.requestState, inputResponses: { confirm: accepted } }
    expect(await w.call(done)).toMatchObject({ resultType: 'complete' })
    expect(w.runs).toEqual([1000])
  })

  it('of an earlier round do not count for a question that changed since', async () => {
    const w = world()
    let price = 10
    const asks = (): Record<string, FormAsk<{ yes: boolean }>> => ({
      confirm: elicit({ message: `Pay ${price}?`, schema: yes }),
      other: elicit({ message: 'Other?', schema: yes }),
    })
    w.server.tool('buy', { asks }, () => `${w.runs.push(price)}`)
    const first = await ask(w, { name: 'buy' })
    const second = await ask(w, { name: 'buy', requestState: first, inputResponses: { confirm: accepted } })
    price = 1000
    const third = await w.call({ name: 'buy', requestState: second, inputResponses: { other: accepted } })
    expect(Object.keys(third.inputRequests)).toEqual(['confirm'])
    expect(w.runs).toEqual([])
  })

  it('to a page count although its address differs each time, for authors put one-time values there', async () => {
    const w = world()
    w.server.tool(
      'page',
      { asks: () => ({ page: elicitUrl({ message: 'Pay', url: `https://pay.example/${crypto.randomUUID()}` }) }) },
      () => 'x',
    )
    const options = { capabilities: { elicitation: { url: {} } } }
    const requestState = await ask(w, { name: 'page' }, options)
    const again = { name: 'page', requestState, inputResponses: { page: { action: 'accept' } } }
    expect(await w.call(again, options)).toMatchObject({ resultType: 'complete' })
  })

  it('to what was not asked are ignored, as are those that are missing', async () => {
    const w = world()
    const requestState = await ask(w)
    const wrong = { wrong_key: accepted, constructor: accepted, __proto__: accepted }
    const again = await w.call({ ...PAY, requestState, inputResponses: wrong })
    expect(Object.keys(again.inputRequests)).toEqual(['confirm'])
    expect(
      await w.call({ ...PAY, requestState: again.requestState, inputResponses: { ...wrong, confirm: accepted } }),
    ).toMatchObject({ resultType: 'complete' })
    expect(w.runs).toHaveLength(1)
  })

  it.each([12345, null, 'yes', [], { action: 'maybe' }, { action: 'accept', content: 5 }, { action: 'accept' }])(
    'such as %j, which are none, are asked for again',
    async wrong => {
      const w = world()
      const requestState = await ask(w)
      expect(await w.call({ ...PAY, requestState, inputResponses: { confirm: wrong } })).toMatchObject({
        resultType: 'input_required',
      })
      expect(await w.call({ ...PAY, requestState, inputResponses: wrong })).toMatchObject({
        resultType: 'input_required',
      })
      expect(w.runs).toEqual([])
    },
  )

  it('that a client can no longer be asked for are not relied on', async () => {
    const w = world()
    const requestState = await ask(w)
    expect(
      await w.call({ ...PAY, requestState, inputResponses: { confirm: accepted } }, { capabilities: {} }),
    ).toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { elicitation: { form: {} } } },
    })
    expect(w.runs).toEqual([])
  })
})
