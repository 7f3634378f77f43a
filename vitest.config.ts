import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (file: string): string => fileURLToPath(new URL(`./src/${file}`, import.meta.url))

// Tests of the command line and the demo run against the sources, so that `check` needs no build.
const alias = [
  { find: /^latchkey\/oauth\/protocol$/, replacement: source('oauth-protocol.ts') },
  {
    find: /^latchkey\/(client|server|oauth|doctor|node|browser|stdio|redis|testing|resource-server|otel)$/,
    replacement: source('$1.ts'),
  },
  { find: /^latchkey$/, replacement: source('index.ts') },
]

/** Suites that start other processes, real servers or a browser; everything else is a unit test and runs in `check`. */
const suites = ['interop', 'adapters', 'runtimes', 'processes', 'browser', 'package']
/** Unit tests that take seconds; they run with the suites. */
const slow = 'test/**/*.slow.test.ts'
/** These replace Node's own modules, and so need a process of their own. */
const mocking = [
  'test/node/failing-disk.test.ts',
  'test/node/hard-link.test.ts',
  'test/node/skills-directory-limits.test.ts',
  'test/node/confined-file.test.ts',
]

/** Reading the CAs that a machine adds to Node's own takes a process longer than most of what these tests have it do. */
const withoutExtraCertificates = { NODE_EXTRA_CA_CERTS: '' }

export default defineConfig({
  resolve: { alias },
  test: {
    // Two cores that run several suites at once may take seconds over what takes milliseconds alone.
    expect: { poll: { timeout: 8_000 } },
    // Servers without `onError` print what their handlers throw, which in tests is meant.
    onConsoleLog: log => !log.startsWith('latchkey: '),
    // Two cores have two workers; the default leaves one idle.
    maxWorkers: availableParallelism(),
    // Never the keychain of whoever runs the tests; those that are about it say so.
    env: { LATCHKEY_STORE: 'file' },
    projects: [
      {
        extends: true,
        // Nothing in these keeps state between files, so that one process may run many: half the time.
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...suites.map(suite => `test/${suite}/**`), slow, ...mocking],
          isolate: false,
          testTimeout: 10_000,
        },
      },
      { extends: true, test: { name: 'unit-mocking', include: mocking, testTimeout: 10_000 } },
      { extends: true, test: { name: 'slow', include: [slow], testTimeout: 30_000, env: withoutExtraCertificates } },
      ...suites.map(suite => ({
        extends: true as const,
        test: {
          name: suite,
          include: [`test/${suite}/**/*.test.ts`],
          testTimeout: 90_000,
          hookTimeout: 60_000,
          // Others install packages, for which npm may need them.
          env: suite === 'processes' || suite === 'browser' ? withoutExtraCertificates : {},
          globalSetup: suite === 'processes' ? 'test/processes/global-setup.ts' : [],
          // The pages are bundled once for all files.
          isolate: suite !== 'browser',
        },
      })),
    ],
  },
})
