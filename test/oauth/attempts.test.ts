import { expect, it } from 'vitest'
import {
  ATTEMPT_WINDOW_MS,
  createAttemptBudget,
  MAX_COUNTED_OPERATIONS,
  operationOf,
} from '../../src/oauth/attempts.ts'

it('R-RETRY-1 the number of counted operations is bounded, the oldest being dropped', () => {
  const budget = createAttemptBudget({ now: () => 0 })
  for (let attempt = 0; attempt < 3; attempt++) budget.take('first')
  expect(budget.take('first')).toBe(false)
  for (let other = 0; other < MAX_COUNTED_OPERATIONS; other++) budget.take(`other ${other}`)
  expect(budget.take('first')).toBe(true)
})

it('R-RETRY-1 a clock that is set back does not withhold attempts for longer than the window', () => {
  let now = 10 * ATTEMPT_WINDOW_MS
  const budget = createAttemptBudget({ now: () => now })
  for (let attempt = 0; attempt < 3; attempt++) budget.take('call')
  expect(budget.take('call')).toBe(false)
  now = 0
  expect(budget.take('call')).toBe(true)
})

it('R-RETRY-1 an operation is what MCP calls it, else method and URL', () => {
  const url = new URL('https://mcp.example.com/mcp?x=1')
  expect(operationOf('POST', url, new Headers({ 'Mcp-Method': 'tools/call', 'Mcp-Name': 'search' }))).toBe(
    'tools/call search',
  )
  expect(operationOf('POST', url, new Headers())).toBe('POST https://mcp.example.com/mcp?x=1')
})
