import { describe, expect, it } from 'vitest'
import { ended, failure, type TaskRecord, withLease } from '../../../src/server/tasks/task-record.ts'

const record: TaskRecord = {
  taskId: '1',
  principal: null,
  status: 'working',
  createdAt: 1000,
  lastUpdatedAt: 1000,
  ttlMs: 5000,
  pollIntervalMs: 100,
  dueAt: 0,
}

describe('when a record is due', () => {
  it('at the end of the lease, but never after the end of its life', () => {
    expect(withLease(record, 2000, 3000).dueAt).toBe(5000)
    expect(withLease(record, 2000, 30_000).dueAt).toBe(6000)
  })

  it('at the end of its life when it has ended: no sweep looks at it before', () => {
    expect(ended(withLease(record, 2000, 10), 2000, failure('no')).dueAt).toBe(6000)
  })
})
