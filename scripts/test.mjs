// Everything: the checks, the suites that need processes, servers or a browser, the package, the conformance suite, the demo.
import { bin, main, node, run } from './run.mjs'

const suites = ['slow', 'interop', 'adapters', 'runtimes', 'browser', 'package']

await main(async () => {
  await run('check', [node, 'scripts/check.mjs'])
  await run('build', [node, 'scripts/build.mjs'])
  await run('processes', [node, 'scripts/test-processes.mjs'])
  await run(suites.join(', '), [bin('vitest'), 'run', ...suites.flatMap(suite => ['--project', suite])])
  await run('conformance', [node, 'conformance/run.mjs'])
  await run('demo', [node, 'scripts/demo.mjs'])
})
