import { type FileHandle, open } from 'node:fs/promises'
import { OAuthError } from '../oauth/errors.ts'
import type { AssertionSource } from '../oauth/flows/workload-identity.ts'
import { createOAuthRequest } from '../oauth/oauth-request.ts'
import { createPolicy } from '../oauth/policy.ts'
import { describeAnswer, isTransientStatus, retryAfter } from '../oauth/protocol/http-answer.ts'
import { parseJsonObject, stringMember } from '../oauth/protocol/json-object.ts'
import { errorCode } from './private-file.ts'

const STEP = 'workload identity'
/** No platform's token is longer. */
const MAX_BYTES = 65_536

/**
 * The token that a platform keeps in a file, such as a projected service account token of Kubernetes. Read anew every time, since platforms
 * rotate it. Who may read the file is the platform's affair and not checked.
 *
 * @throws {OAuthError} from the source: `configuration`, which names the path, never what is in the file
 */
export function tokenFromFile(path: string): AssertionSource {
  return async () => {
    let file: FileHandle | undefined
    try {
      file = await open(path, 'r')
      if (!(await file.stat()).isFile()) throw unusable(path, 'is no file')
      return tokenIn(await readStart(file), path)
    } catch (error) {
      if (error instanceof OAuthError) throw error
      throw unusable(path, `cannot be read (${errorCode(error) ?? 'unknown error'})`)
    } finally {
      await file?.close()
    }
  }
}

/** Environment variables. Default: those of this process. */
type Variables = Readonly<Record<string, string | undefined>>

/**
 * The token that a platform keeps in an environment variable. Read anew every time.
 *
 * @throws {OAuthError} from the source: `configuration`, which names the variable, never its value
 */
export function tokenFromEnvironment(name: string, variables: Variables = process.env): AssertionSource {
  return () => {
    const value = variables[name]
    if (value === undefined) throw unusable(`The environment variable ${name}`, 'is not set')
    return tokenIn(Buffer.from(value), `The environment variable ${name}`)
  }
}

/**
 * The OpenID Connect token of a GitHub Actions job, made anew every time for the authorization server that wants it. The job needs the
 * permission `id-token: write`.
 *
 * @param options.audience Instead of the issuer of the authorization server.
 * @param options.fetch Default `globalThis.fetch`.
 * @throws {OAuthError} from the source: `configuration` outside a job or without the permission, `token_unavailable`, and what the request throws
 */
export function tokenFromGitHubActions(
  options: {
    readonly audience?: string
    readonly fetch?: typeof globalThis.fetch
    readonly variables?: Variables
  } = {},
): AssertionSource {
  const { variables = process.env } = options
  return async ({ audience, signal }) => {
    const { ACTIONS_ID_TOKEN_REQUEST_URL: server, ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken } = variables
    if (!server || !requestToken || !URL.canParse(server)) {
      const hint = 'Give the job the permission "id-token: write".'
      throw unusable('ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN', 'are not both set', hint)
    }
    const url = new URL(server)
    url.searchParams.set('audience', options.audience ?? audience)
    const policy = createPolicy({ server })
    const request = createOAuthRequest({ fetch: options.fetch ?? globalThis.fetch, policy })
    const headers = { authorization: `Bearer ${requestToken}`, accept: 'application/json' }
    const answer = await request({ step: STEP, method: 'GET', url, headers, signal })
    const value = stringMember(parseJsonObject(answer.body) ?? {}, 'value')
    if (answer.status === 200 && value !== undefined) return value
    throw new OAuthError(
      isTransientStatus(answer.status) ? 'token_unavailable' : 'configuration',
      `GitHub Actions gave no token (${describeAnswer(answer)}).`,
      { step: STEP, status: answer.status, expected: 'a JSON object with value', ...retryAfter(answer) },
    )
  }
}

/** One byte more than may be there, whatever the file says about its size. */
async function readStart(file: FileHandle): Promise<Buffer> {
  const buffer = Buffer.alloc(MAX_BYTES + 1)
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, null)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return buffer.subarray(0, length)
}

function tokenIn(bytes: Buffer, where: string): string {
  if (bytes.length > MAX_BYTES) throw unusable(where, `holds more than ${MAX_BYTES} bytes`)
  // Some editors and shells put one in front.
  const token = bytes
    .toString('utf8')
    .replace(/^\uFEFF/u, '')
    .trim()
  if (token === '') throw unusable(where, 'is empty')
  if (/[^\x21-\x7e]/u.test(token)) throw unusable(where, 'holds something that is no token')
  return token
}

function unusable(where: string, problem: string, hint?: string): OAuthError {
  return new OAuthError('configuration', `${where} ${problem}.`, {
    step: STEP,
    expected: 'a token of the platform',
    received: problem,
    ...(hint !== undefined && { hint }),
  })
}
