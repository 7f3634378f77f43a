// The client under test, as an application would write it: it connects, lists and calls. Everything about the protocol and about
// authorization is the library's; only the person at the browser is played here.
//
//   node conformance/client.mjs URL      scenario in MCP_CONFORMANCE_SCENARIO, its data in MCP_CONFORMANCE_CONTEXT
import { connect, skillsOf } from 'latchkey/client'
import {
  authorizationCode,
  clientCredentials,
  createMemoryStore,
  createOAuthSession,
  identityAssertion,
  privateKeyJwt,
  withOAuth,
  workloadIdentity,
} from 'latchkey/oauth'

const scenario = process.env.MCP_CONFORMANCE_SCENARIO ?? ''
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}')
const server = process.argv.at(-1)

/** The person: opens the page, approves at once, and comes back to the redirect URI. */
const authorizer = {
  prepare: async () => ({
    redirectUri: 'http://localhost:3000/callback',
    authorize: async (url, handle) => {
      const page = await fetch(url, { redirect: 'manual' })
      await handle(new URL(page.headers.get('location')).searchParams)
    },
    close: async () => {},
  }),
}

/** How this application gets its tokens. Extensions are chosen by whoever configures the application. */
const grants = {
  'auth/client-credentials-basic': () =>
    clientCredentials({ clientId: context.client_id, clientSecret: context.client_secret }),
  'auth/client-credentials-jwt': () =>
    privateKeyJwt({
      clientId: context.client_id,
      key: context.private_key_pem,
      algorithm: context.signing_algorithm,
    }),
  'auth/enterprise-managed-authorization': () =>
    identityAssertion({
      client: { clientId: context.client_id, clientSecret: context.client_secret },
      identityProvider: {
        issuer: context.idp_issuer,
        tokenEndpoint: context.idp_token_endpoint,
        client: { clientId: context.idp_client_id },
        idToken: context.idp_id_token,
      },
    }),
  'auth/wif-jwt-bearer': () => workloadIdentity({ clientId: context.client_id, token: () => context.valid_jwt }),
}

const person = () =>
  authorizationCode({
    authorizer,
    clientMetadataUrl: 'https://conformance-test.local/client-metadata.json',
    clientMetadata: { clientName: 'Latchkey conformance' },
    ...(context.client_id && { client: { clientId: context.client_id, clientSecret: context.client_secret } }),
  })

const session = createOAuthSession({ server, store: createMemoryStore(), grant: (grants[scenario] ?? person)() })

/** What the person says when the server asks. */
const answers = {
  'elicitation-sep1034-client-defaults': { action: 'accept', content: {} },
  'sep-2322-client-request-state': { action: 'accept', content: { confirmed: true } },
}

/** What the application does once it is connected. */
const applications = {
  initialize: client => client.listTools(),
  tools_call: async client => {
    await client.listTools()
    await client.callTool('add_numbers', { a: 5, b: 3 })
  },
  'sse-retry': client => client.callTool('test_reconnection', {}),
  'elicitation-sep1034-client-defaults': client =>
    client.callTool('test_client_elicitation_defaults', {}, { timeoutMs: 10_000 }),
  'request-metadata': client => client.listTools(),
  'http-standard-headers': async client => {
    const { tools } = await client.listTools()
    await client.callTool(tools[0].name, {})
    const { resources } = await client.listResources()
    await client.readResource(resources[0].uri)
    const { prompts } = await client.listPrompts()
    await client.getPrompt(prompts[0].name)
  },
  'http-custom-headers': async client => {
    await client.listTools()
    for (const { name, arguments: input } of context.toolCalls) await client.callTool(name, input)
  },
  'http-invalid-tool-headers': async client => {
    for await (const tool of client.tools()) await client.callTool(tool.name, { region: 'us-west1' })
  },
  'sep-2322-client-request-state': async client => {
    await Promise.all(
      ['test_mrtr_echo_state', 'test_mrtr_unrelated', 'test_mrtr_no_state', 'test_mrtr_no_result_type'].map(tool =>
        client.callTool(tool, {}),
      ),
    )
  },
  'sep-2640-client-no-prefetch': async client => {
    for await (const skill of skillsOf(client).list()) console.log(skill.frontmatter.description)
  },
  'sep-2640-client-verify-digest': useSkills,
  'sep-2640-client-verify-size': useSkills,
  'sep-2640-client-verify-frontmatter': useSkills,
  'json-schema-ref-no-deref': client => client.listTools(),
  'json-schema-2020-12-preservation': async client => {
    const { tools } = await client.listTools()
    const { inputSchema } = tools.find(tool => tool.name === 'json_schema_2020_12_tool')
    await client.callTool('json_schema_echo', { schema: inputSchema })
  },
  auth: async client => {
    await client.listTools()
    await client.callTool('test-tool', {})
  },
}

/** Looks for a skill, and loads the first; what it needs beyond, it reads then. */
async function useSkills(client) {
  const skills = skillsOf(client)
  for await (const skill of skills.list()) {
    const { read } = await skills.load(skill)
    for (const { uri } of skill.resources) await read(uri)
  }
}

const application = applications[scenario] ?? (scenario.startsWith('auth/') ? applications.auth : undefined)
if (!application) throw new Error(`This application has nothing to do in the scenario ${scenario}.`)

const client = await connect(server, {
  fetch: withOAuth(fetch, session),
  clientInfo: { name: 'latchkey-conformance', version: '1.0.0' },
  timeoutMs: 20_000,
  ...(scenario === 'request-metadata' && { capabilities: { roots: {}, sampling: {}, elicitation: {} } }),
  ...(answers[scenario] && { elicitation: { form: () => answers[scenario] } }),
})
await application(client)
await client.close()
await session.close()
