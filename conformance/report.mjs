// What is printed in the end: how many checks passed in which leg, and everything that is wrong.

/** Prints the results of one side, `seen`: leg → results and failures. Returns whether there is no failure. */
export function report({ scenarios, seen }) {
  const legs = Object.keys(seen)
  const width = Math.max(...scenarios.map(scenario => scenario.length))
  console.log(`\n${'checks passed'.padEnd(width)}  ${legs.map(leg => leg.padStart(10)).join('  ')}`)
  for (const scenario of scenarios) {
    const cells = legs.map(leg => cell(seen[leg].scenarios.get(scenario)).padStart(10))
    console.log(`${scenario.padEnd(width)}  ${cells.join('  ')}`)
  }
  const failures = legs.flatMap(leg => seen[leg].failures)
  for (const { scenario, leg, wrong, folder } of failures) {
    console.log(`\nFAIL ${scenario} (${leg})`)
    for (const line of wrong) console.log(`     ${line}`)
    if (folder) console.log(`     results: ${folder}`)
  }
  return failures.length === 0
}

function cell(result) {
  if (!result) return '–'
  const { passed, failed, warned, skipped } = result
  const others = [failed && `F${failed}`, warned && `W${warned}`, skipped.length > 0 && `S${skipped.length}`]
  return [passed, ...others.filter(Boolean)].join(' ')
}
