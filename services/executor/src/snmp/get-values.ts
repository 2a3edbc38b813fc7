import { AppError } from '@opsconductor/errors'
import type { Varbind } from './net-snmp.ts'
import type { AgentSession } from './session.ts'
import { AgentRefusal, errorStatus, refusalError } from './snmp-error.ts'

/** So many fit into a datagram that no network cuts. */
const oidsPerRequest = 24
const noSuchObject = 128

/** One value for each OID, in their order. What the agent does not have is of type noSuchObject, under v1 too. */
export async function getValues(session: AgentSession, oids: readonly string[]): Promise<Varbind[]> {
  const values: Varbind[] = []
  for (let at = 0; at < oids.length; at += oidsPerRequest)
    values.push(...(await getSome(session, oids.slice(at, at + oidsPerRequest))))
  return values
}

async function getSome(session: AgentSession, oids: string[]): Promise<Varbind[]> {
  try {
    const values = await session.get(oids)
    if (values.length !== oids.length || values.some(({ oid }, index) => oid !== oids[index]))
      throw new AppError('target_failed', 'The agent answered for other variables than those asked for.')
    return values
  } catch (error) {
    if (!(error instanceof AgentRefusal)) throw error
    if (error.status === errorStatus.tooBig && oids.length > 1) {
      const half = Math.ceil(oids.length / 2)
      return [...(await getSome(session, oids.slice(0, half))), ...(await getSome(session, oids.slice(half)))]
    }
    const missing = oids[error.index]
    if (error.status !== errorStatus.noSuchName || missing === undefined) throw refusalError(error, oids)
    const others = oids.toSpliced(error.index, 1)
    const values = others.length === 0 ? [] : await getSome(session, others)
    return values.toSpliced(error.index, 0, { oid: missing, type: noSuchObject, value: null })
  }
}
