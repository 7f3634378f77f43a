import { expect } from 'vitest'
import { eachWay } from './matrix.ts'

eachWay(
  'arguments and variables are completed, with what is known already, 100 values at most',
  async ({ server, open }) => {
    server.prompt(
      'greet',
      {
        arguments: {
          who: {
            complete: (value, ctx) =>
              ['ada', 'eve']
                .filter(name => name.startsWith(value))
                .map(name => `${name} ${ctx.arguments['how'] ?? ''}`),
          },
          how: {},
          many: { complete: async () => Array.from({ length: 150 }, (_, n) => `${n}`) },
        },
      },
      () => 'x',
    )
    server.resourceTemplate('people://{name}', { complete: { name: () => ['ada'] } }, () => 'x')
    server.resource('notes://1', {}, () => 'x')
    const client = await open()
    const prompt = { type: 'ref/prompt', name: 'greet' } as const
    const complete = async (...args: Parameters<typeof client.complete>): Promise<unknown> =>
      (await client.complete(...args)).completion
    expect(await complete(prompt, { name: 'who', value: 'a' }, { context: { how: 'well' } })).toEqual({
      values: ['ada well'],
      total: 1,
      hasMore: false,
    })
    expect(await complete(prompt, { name: 'how', value: '' })).toEqual({ values: [], total: 0, hasMore: false })
    expect(await complete(prompt, { name: 'constructor', value: '' })).toEqual({ values: [], total: 0, hasMore: false })
    expect(await complete(prompt, { name: 'many', value: '' })).toMatchObject({
      values: { length: 100 },
      total: 150,
      hasMore: true,
    })
    expect(await complete({ type: 'ref/resource', uri: 'people://{name}' }, { name: 'name', value: '' })).toMatchObject(
      { values: ['ada'] },
    )
    expect(await complete({ type: 'ref/resource', uri: 'notes://1' }, { name: 'name', value: '' })).toMatchObject({
      values: [],
    })
    await expect(complete({ type: 'ref/prompt', name: 'none' }, { name: 'a', value: '' })).rejects.toMatchObject({
      code: -32602,
    })
    await expect(complete({ type: 'ref/other' } as never, { name: 'a', value: '' })).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining('ref/prompt'),
    })
    await expect(client.request('completion/complete', { ref: prompt })).rejects.toMatchObject({ code: -32602 })
  },
)
