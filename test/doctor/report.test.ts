import { expect, it } from 'vitest'
import { createReport } from '../../src/doctor/report.ts'

it('shows the texts of servers as data: without secrets, control characters, or end', () => {
  const seen: unknown[] = []
  const report = createReport('https://mcp.example/mcp', step => seen.push(step))
  report.hide('a-secret-token', undefined)
  const received = `refused a-secret-token \u001b[31m\u202e${'x'.repeat(5_000)}`
  report.add({ step: 'token', received, url: undefined, hint: '' }, 'token_rejected')
  const [step] = report.diagnosis().steps
  expect(step?.received).toMatch(/^refused \[redacted\] \[31m x+…$/)
  expect(step?.received?.length).toBeLessThanOrEqual(600)
  expect(Object.keys(step ?? {})).toEqual(['step', 'received', 'ok', 'findings'])
  expect(seen).toEqual([step])
})

it('is ok as long as nothing is an error', () => {
  const report = createReport('https://mcp.example/mcp', undefined)
  report.add({ step: 'clock' }, 'clock_skew')
  expect([report.failed(), report.diagnosis().ok, report.diagnosis().steps[0]?.ok]).toEqual([false, true, true])
  report.add({ step: 'login' }, 'login_expired')
  expect([report.failed(), report.diagnosis().ok, report.diagnosis().steps[1]?.ok]).toEqual([true, false, false])
  expect(report.diagnosis().findings.map(({ code, step }) => [code, step])).toEqual([
    ['clock_skew', 'clock'],
    ['login_expired', 'login'],
  ])
})
