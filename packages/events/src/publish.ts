/** Something other processes must know: `topic` is one of the contracts' topics, `key` names the thing that changed. */
export interface ChangeEvent {
  topic: string
  key: string
}

export const channel = 'opsconductor_events'

/**
 * Announces a change to every process, when the transaction that `execute` runs in commits (never before, and not at
 * all if it rolls back). `execute` is `tx.$executeRawUnsafe` of Prisma, or a pg client's query with spread parameters.
 */
export async function publishEvent(
  execute: (sql: string, ...parameters: string[]) => Promise<unknown>,
  event: ChangeEvent,
): Promise<void> {
  await execute(`SELECT pg_notify('${channel}', $1::text)`, JSON.stringify(event))
}
