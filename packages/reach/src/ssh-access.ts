import type { SshConnection } from '@opsconductor/ssh'

export interface SshPlace {
  host: string
  port: number
}

/** Lends a logged-in connection that has room for a session; `work` opens one at a time. */
export type SshAccess = <T>(place: SshPlace, work: (connection: SshConnection) => Promise<T>) => Promise<T>
