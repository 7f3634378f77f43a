// Everything: the checks, the suites that need processes, servers or a browser, the package, the conformance suite, the demo.
import { bin, main, node, run } from './run.mjs'

await main(async () => {
  await run('check', [node, 'scripts/check.mjs'])
  await run('build', [node, 'scripts/build.mjs'])
  await run('processes, interop, browser, package', [
    bin('vitest'),
    'run',
    '--project',
    'processes',
    '--project',
    'interop',
    '--project',
    'browser',
    '--project',
    'package',
  ])
  await run('conformance', [node, 'conformance/run.mjs', 'client'])
  await run('demo', [node, 'scripts/demo.mjs'])
})
