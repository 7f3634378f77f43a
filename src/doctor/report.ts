import type { OAuthError } from '../oauth/errors.ts'
import { displayText } from '../oauth/protocol/display-text.ts'
import { redactSecrets } from '../oauth/protocol/redaction.ts'
import type { Diagnosis, DiagnosisStep, Finding } from './diagnosis.ts'
import { type FindingCode, FINDINGS } from './finding.ts'

/** What is told of one step. */
export interface StepFacts {
  readonly step: string
  readonly url?: string | undefined
  readonly expected?: string | undefined
  readonly received?: string | undefined
  readonly hint?: string | undefined
}

/** Collects what a diagnosis sees. */
export interface Report {
  /** Adds a step with what was found at it. */
  add(facts: StepFacts, ...codes: readonly FindingCode[]): void
  /** Values that must not be shown, whoever repeats them. */
  hide(...secrets: readonly (string | undefined)[]): void
  /** Whether any finding so far is an error. */
  failed(): boolean
  diagnosis(): Diagnosis
}

const MAX_TEXT = 600

/** Creates the {@link Report} of one diagnosis. Every text is stripped of secrets and cleaned on its way in. */
export function createReport(server: string, onStep: ((step: DiagnosisStep) => void) | undefined): Report {
  const steps: DiagnosisStep[] = []
  const findings: Finding[] = []
  const hidden: (string | undefined)[] = []

  const clean = ({ step, ...facts }: StepFacts): Omit<DiagnosisStep, 'ok' | 'findings'> => {
    const shown = Object.entries(facts).flatMap(([name, text]) =>
      text === undefined || text === '' ? [] : [[name, displayText(redactSecrets(text, hidden), MAX_TEXT)]],
    )
    return { step, ...(Object.fromEntries(shown) as Omit<StepFacts, 'step'>) } as Omit<DiagnosisStep, 'ok' | 'findings'>
  }

  return {
    add(given, ...codes) {
      const facts = clean(given)
      const isError = codes.some(code => FINDINGS[code].severity === 'error')
      const step = { ...facts, ok: !isError, ...(codes.length > 0 && { findings: codes }) }
      steps.push(step)
      for (const code of codes) findings.push({ code, ...FINDINGS[code], ...facts })
      onStep?.(step)
    },
    hide: (...secrets) => void hidden.push(...secrets),
    failed: () => findings.some(({ severity }) => severity === 'error'),
    diagnosis: () => ({
      ok: findings.every(({ severity }) => severity !== 'error'),
      server,
      steps,
      findings,
    }),
  }
}

/** The facts that an error carries, below what is given. */
export function factsOf(error: OAuthError, facts: StepFacts): StepFacts {
  const { url, expected, received, hint } = error.detail
  return { url, expected, received: received ?? error.message, hint, ...facts }
}
