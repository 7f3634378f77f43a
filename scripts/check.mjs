// Format, lint, types, unused code and unit tests: what to run before every commit. About 70 s on two cores.
import { bin, main, run } from './run.mjs'

const quiet = { quiet: true }

await main(async () => {
  await run('format', [bin('biome'), 'format', '.'], quiet)
  // Side by side, so that no core waits; the longest first.
  await Promise.all([
    run('unit tests', [bin('vitest'), 'run', '--project', 'unit', '--project', 'unit-mocking']),
    run('lint', [bin('oxlint'), '--type-aware', '--max-warnings=0', '.'], quiet),
    run('unused code', [bin('knip')], quiet),
    run('types', [bin('tsc'), '-p', 'tsconfig.json'], quiet),
    run('types of the published files', [bin('tsc'), '-p', 'tsconfig.build.json', '--noEmit'], quiet),
    run('types without Node', [bin('tsc'), '-p', 'tsconfig.core.json'], quiet),
  ])
})
