import type { SessionContext } from '../oauth/session-context.ts'
import type { DiagnoseOptions } from './diagnosis.ts'
import type { Report } from './report.ts'

/** What every step of one diagnosis works with. */
export interface Examination {
  readonly context: SessionContext
  readonly options: DiagnoseOptions
  readonly report: Report
  readonly signal: AbortSignal | undefined
}
