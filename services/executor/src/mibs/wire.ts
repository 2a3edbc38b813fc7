import type { ListedMib, Mib } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { ListedMibRecord, MibRecord } from './store.ts'

export const toListedMibWire = (record: ListedMibRecord): z.infer<typeof ListedMib> => ({
  id: record.id,
  name: record.name,
  imports: record.imports,
  object_count: record.objectCount,
  created_at: record.createdAt.toISOString(),
  updated_at: record.updatedAt.toISOString(),
})

export const toMibWire = (record: MibRecord): z.infer<typeof Mib> => ({
  ...toListedMibWire(record),
  text: record.text,
})
