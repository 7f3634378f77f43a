export { diagnose } from './doctor/diagnose.ts'
export type { Diagnosis, DiagnosisStep, DiagnoseOptions, Finding } from './doctor/diagnosis.ts'
export {
  FINDING_GROUPS,
  FINDINGS,
  type FindingCode,
  type FindingConcern,
  type FindingDescription,
  type FindingSeverity,
} from './doctor/finding.ts'
