import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type Listener, listen } from '../../src/node/listen.ts'

const open: Listener[] = []
const listening = async (handler: (request: Request) => Promise<Response>): Promise<Listener> => {
  const listener = await listen(handler)
  open.push(listener)
  return listener
}
function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: (() => void) | undefined
  const promise = new Promise<void>(settle => {
    resolve = settle
  })
  return { promise, resolve: () => resolve?.() }
}

afterEach(async () => {
  await Promise.all(open.splice(0).map(listener => listener.close()))
})

describe('listen', () => {
  it('hands over method, URL, headers and body, and sends status, headers and body back', async () => {
    const { url, port } = await listening(async request =>
      Response.json(
        { method: request.method, url: request.url, header: request.headers.get('x-test'), body: await request.text() },
        {
          status: 418,
          headers: [
            ['set-cookie', 'a=1'],
            ['set-cookie', 'b=2'],
          ],
        },
      ),
    )
    expect(url).toBe(`http://127.0.0.1:${port}`)
    const response = await fetch(`${url}/path?query=1`, { method: 'POST', body: 'hello', headers: { 'x-test': 'yes' } })
    expect(response.status).toBe(418)
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(await response.json()).toEqual({ method: 'POST', url: `${url}/path?query=1`, header: 'yes', body: 'hello' })
  })

  it('streams an answer while it is being made, status first', async () => {
    const { readable, writable } = new TransformStream<string, string>()
    const source = writable.getWriter()
    const { url } = await listening(async () => new Response(readable.pipeThrough(new TextEncoderStream())))
    const response = await fetch(url)
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    void source.write('one')
    expect(await reader.read()).toEqual({ done: false, value: 'one' })
    void source.write('two')
    expect(await reader.read()).toEqual({ done: false, value: 'two' })
    void source.close()
    expect((await reader.read()).done).toBe(true)
  })

  it('streams a request while it arrives', async () => {
    const chunks: string[] = []
    const first = deferred()
    const { port } = await listening(async incoming => {
      for await (const chunk of incoming.body!.pipeThrough(new TextDecoderStream())) {
        chunks.push(chunk)
        first.resolve()
      }
      return new Response(chunks.join('+'))
    })
    const outgoing = request({ port, method: 'POST' })
    outgoing.write('one')
    await first.promise
    outgoing.end('two')
    const [response] = await once(outgoing, 'response')
    let text = ''
    for await (const chunk of response) text += chunk
    expect(text).toBe('one+two')
  })

  it('aborts the signal, and cancels the body, when the client goes away', async () => {
    const cancelled = deferred()
    let signal: AbortSignal | undefined
    const { url } = await listening(async incoming => {
      signal = incoming.signal
      return new Response(
        new ReadableStream({ start: controller => controller.enqueue(new Uint8Array(1)), cancel: cancelled.resolve }),
      )
    })
    const controller = new AbortController()
    await fetch(url, { signal: controller.signal })
    controller.abort()
    await cancelled.promise
    expect(signal?.aborted).toBe(true)
  })

  it('does not abort the signal of a request that was answered', async () => {
    let signal: AbortSignal | undefined
    const { url } = await listening(async incoming => {
      signal = incoming.signal
      return new Response('done')
    })
    await (await fetch(url)).text()
    await open.pop()!.close()
    expect(signal?.aborted).toBe(false)
  })

  it('loses the connection when the handler rejects', async () => {
    const { url } = await listening(async () => {
      throw new Error('secret reason')
    })
    await expect(fetch(url)).rejects.toThrow(TypeError)
  })

  it('close ends requests under way and may be called twice; the port is free after it', async () => {
    const listener = await listening(() => new Promise(() => {}))
    const pending = fetch(listener.url).catch((error: unknown) => error)
    const idle = connect(listener.port, '127.0.0.1')
    idle.on('error', () => {})
    await once(idle, 'connect')
    const gone = new Promise(resolve => idle.on('close', resolve))
    await listener.close()
    await listener.close()
    await gone
    expect(await pending).toBeInstanceOf(TypeError)
    const again = await listen(async () => new Response('again'), { port: listener.port })
    open.push(again)
    expect(await (await fetch(again.url)).text()).toBe('again')
  })

  it('rejects with the reason when the port is taken', async () => {
    const { port } = await listening(async () => new Response())
    await expect(listen(async () => new Response(), { port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})
