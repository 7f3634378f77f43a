import { decodeJwt } from 'jose'
import { expect, it } from 'vitest'
import { createDpopKeys } from '../../src/oauth/dpop-key.ts'
import { createDpopNonces } from '../../src/oauth/dpop-nonces.ts'
import { generateDpopJwk } from '../../src/oauth/protocol/dpop.ts'
import { createSigner } from '../../src/oauth/request-signer.ts'
import type { SessionContext } from '../../src/oauth/session-context.ts'

const url = new URL('https://mcp.example/mcp')

const demand = (nonce: string): Response =>
  new Response('', { status: 401, headers: { 'dpop-nonce': nonce, 'www-authenticate': 'DPoP error="use_dpop_nonce"' } })

it('R-DPOP-1 a request that is told to use a nonce uses that one, whatever another request was told since', async () => {
  const context = {
    nonces: createDpopNonces(),
    dpopKeys: createDpopKeys(),
    randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
    now: () => 0,
  } as unknown as SessionContext
  const dpopJwk = await generateDpopJwk('ES256')
  const signer = () =>
    createSigner(context, { grantId: 'g', accessToken: 'token', tokenType: 'DPoP', obtainedAt: 0, dpopJwk })
  const nonceOf = async (signing: ReturnType<typeof signer>) => {
    const headers = new Headers()
    await signing.sign(headers, { method: 'POST', url })
    return decodeJwt(headers.get('dpop')!)['nonce']
  }
  const [first, second] = [signer(), signer()]
  expect([await nonceOf(first), await nonceOf(second)]).toEqual([undefined, undefined])
  expect([first.answered(demand('a'), url), second.answered(demand('b'), url)]).toEqual([true, true])
  expect([await nonceOf(first), await nonceOf(second)]).toEqual(['a', 'b'])
  // A demand for the very nonce that was sent brings nothing new.
  expect(second.answered(demand('b'), url)).toBe(false)
  // Later requests begin with the one that was heard of last.
  expect(await nonceOf(signer())).toBe('b')
})
