import type { Access } from './access.ts'
import type { AccessLog } from './access-log.ts'
import type { ChainHead, StoredRow } from './chain.ts'
import type { AccessFilter } from './store.ts'

/** The first line of an export: what is in it. */
export interface ExportHeader {
  export: 'secrets.credential_access_log'
  exported_at: string
  /** Where only some of the rows are there, the chain over them cannot be computed. */
  verifiable: boolean
  filter: { since?: string; until?: string; project_id?: string }
  head: { id: string; chain_hash: string }
}

/** Reading the log is itself an access: logged before the first line leaves. */
export const logExport = (accessLog: AccessLog, by: string, { projectId }: AccessFilter): Promise<void> => {
  const access: Access = {
    host: 'access-log',
    purpose: 'export',
    type: 'read',
    by,
    from: '',
    reason: 'export',
  }
  return accessLog.append(projectId === undefined ? access : { ...access, projectId })
}

/** JSON Lines: the header, then each row by its columns' names with its `chain_hash`. */
export async function* exportLines(
  rows: AsyncIterable<StoredRow>,
  { since, until, projectId }: AccessFilter,
  head: ChainHead,
  at: Date,
): AsyncGenerator<string> {
  const header: ExportHeader = {
    export: 'secrets.credential_access_log',
    exported_at: at.toISOString(),
    verifiable: since === undefined && until === undefined && projectId === undefined,
    filter: {
      ...(since === undefined ? {} : { since: since.toISOString() }),
      ...(until === undefined ? {} : { until: until.toISOString() }),
      ...(projectId === undefined ? {} : { project_id: projectId }),
    },
    head: { id: String(head.lastId), chain_hash: head.hash },
  }
  yield `${JSON.stringify(header)}\n`
  for await (const { credentialFits: _, ...row } of rows) yield `${JSON.stringify(row)}\n`
}
