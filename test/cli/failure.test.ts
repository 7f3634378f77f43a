import { describe, expect, it } from 'vitest'
import { describeFailure, loginCommand } from '../../cli/src/failure.ts'
import { UsageError } from '../../cli/src/usage-error.ts'
import { RpcError, TransportError, type TransportErrorCode } from '../../src/jsonrpc/errors.ts'
import { OAuthError, type OAuthErrorCode } from '../../src/oauth/errors.ts'
import { StoreError, type StoreErrorCode } from '../../src/oauth/store/store-error.ts'

const OAUTH: Record<OAuthErrorCode, number> = {
  configuration: 2,
  url_refused: 4,
  redirect_refused: 4,
  response_too_large: 5,
  timeout: 5,
  network: 5,
  aborted: 130,
  discovery_unavailable: 5,
  discovery_failed: 4,
  resource_metadata_invalid: 4,
  resource_mismatch: 4,
  server_metadata_invalid: 4,
  issuer_mismatch: 4,
  issuer_trailing_slash: 4,
  pkce_unsupported: 4,
  registration_rejected: 4,
  registration_invalid: 4,
  registration_required: 4,
  registration_issuer_changed: 4,
  client_metadata_url_invalid: 2,
  redirect_uri_refused: 4,
  login_required: 3,
  step_up_required: 3,
  step_up_failed: 4,
  too_many_attempts: 4,
  login_timeout: 4,
  authorization_refused: 4,
  authorization_response_invalid: 4,
  token_refused: 4,
  token_response_invalid: 4,
  token_unavailable: 5,
  refresh_refused: 3,
  fresh_token_rejected: 4,
  revocation_failed: 1,
  dpop_unsupported: 4,
  dpop_proof_rejected: 4,
}

const TRANSPORT: Record<TransportErrorCode, number> = {
  configuration: 2,
  closed: 5,
  timeout: 5,
  aborted: 130,
  in_flight_limit: 5,
  network: 5,
  redirect_refused: 5,
  unauthorized: 4,
  forbidden: 4,
  http_status: 5,
  session_lost: 5,
  stream_lost: 5,
  message_too_large: 5,
  invalid_response: 5,
  unsupported_revision: 5,
  input_required: 3,
  task_cancelled: 1,
  unverified_content: 1,
  unexpected_message: 5,
}

const STORE: readonly StoreErrorCode[] = [
  'corrupt',
  'newer_format',
  'locked',
  'unreadable',
  'unwritable',
  'insecure_permissions',
]

describe('what a failure means at the command line', () => {
  it.each(Object.entries(OAUTH))('OAuthError %s exits with %i', (code, exitCode) => {
    const failure = describeFailure(
      new OAuthError(code as OAuthErrorCode, 'what happened', { step: 'a step', hint: 'do this' }),
    )
    expect(failure).toMatchObject({ exitCode, code, message: 'what happened', facts: { step: 'a step' } })
  })

  it.each(Object.entries(TRANSPORT))('TransportError %s exits with %i', (code, exitCode) => {
    expect(describeFailure(new TransportError(code as TransportErrorCode, 'm'))).toMatchObject({
      exitCode,
      code,
      message: 'm',
    })
  })

  it.each(STORE)('field L4: StoreError %s is a failure of its own, never a login', code => {
    const failure = describeFailure(new StoreError(code, 'm', { step: 's', path: '/p', hint: 'h' }), {
      server: 'https://h.example',
    })
    expect(failure).toMatchObject({ exitCode: 1, code, hint: 'h', facts: { path: '/p' } })
  })

  it('an error answered by the server exits with 5, one that asks for a person with 3', () => {
    expect(describeFailure(new RpcError(-32602, 'bad'))).toMatchObject({ exitCode: 5, code: 'rpc_error' })
    expect(describeFailure(new RpcError(-32602, 'bad')).message).toContain('bad (-32602)')
    expect(describeFailure(new RpcError(-32042, 'open this'))).toMatchObject({ exitCode: 3 })
  })

  it('an authorization failure inside a transport error wins', () => {
    const cause = new OAuthError('login_required', 'm', { step: 's' })
    expect(describeFailure(new TransportError('network', 'wrapped', {}, { cause }))).toMatchObject({ exitCode: 3 })
  })

  it('hints at the login command where only a login helps, with profile and missing scopes', () => {
    const context = { server: 'https://h.example/mcp', profile: 'work' }
    expect(describeFailure(new OAuthError('login_required', 'm', { step: 's', hint: 'other' }), context).hint).toBe(
      'latchkey login https://h.example/mcp --profile work',
    )
    expect(describeFailure(new OAuthError('step_up_required', 'm', { step: 's', scope: 'a b' }), context).hint).toBe(
      "latchkey login https://h.example/mcp --profile work --scope 'a b'",
    )
  })

  it('quotes the words of the hint for a shell', () => {
    expect(loginCommand({ server: "https://h.example/?a=1&b='$(x)" }, undefined)).toBe(
      "latchkey login 'https://h.example/?a=1&b='\\''$(x)'",
    )
  })

  it('usage errors, aborts and surprises', () => {
    expect(describeFailure(new UsageError('m', 'h'))).toMatchObject({ exitCode: 2, code: 'usage', hint: 'h' })
    expect(describeFailure(new DOMException('gone', 'AbortError'))).toMatchObject({ exitCode: 130, code: 'aborted' })
    expect(describeFailure(new TypeError('oops'))).toMatchObject({ exitCode: 1, code: 'internal', message: 'oops' })
    expect(describeFailure('thrown text')).toMatchObject({ exitCode: 1, code: 'internal' })
  })
})
