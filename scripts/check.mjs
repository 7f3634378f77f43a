// Format, lint, types, unused code and unit tests: what to run before every commit. Under 30 s on two cores.
import { bin, main, run } from './run.mjs'

await main(async () => {
  await Promise.all([
    run('format', [bin('biome'), 'format', '.'], { quiet: true }),
    run('types', [bin('tsc'), '-p', 'tsconfig.json'], { quiet: true }),
    run('types of the published files', [bin('tsc'), '-p', 'tsconfig.build.json', '--noEmit'], { quiet: true }),
    run('types without Node', [bin('tsc'), '-p', 'tsconfig.core.json'], { quiet: true }),
  ])
  await Promise.all([
    run('lint', [bin('oxlint'), '--type-aware', '--max-warnings=0', '.'], { quiet: true }),
    run('unused code', [bin('knip')], { quiet: true }),
  ])
  await run('unit tests', [bin('vitest'), 'run', '--project', 'unit', '--project', 'unit-node'])
})
