import { isIP } from 'node:net'
import { AppError } from '@opsconductor/errors'
import type { StepTools } from '../step-types/define-step-type.ts'
import type { DescribeDevice, Sweep } from './describe-sweep.ts'
import { getValues } from './get-values.ts'
import { type AgentTarget, openSession } from './session.ts'
import { type SnmpUser, snmpUserOf } from './snmp-user.ts'

/** sysDescr, sysObjectID and sysName. */
const identity = ['1.3.6.1.2.1.1.1.0', '1.3.6.1.2.1.1.2.0', '1.3.6.1.2.1.1.5.0']

type Tools = Pick<StepTools, 'credential' | 'reach' | 'signal' | 'progress'>
type Asked = Omit<AgentTarget, 'host'> & { concurrency: number; describe: DescribeDevice }

/** Asks every address who it is, some at a time. Ends with the signal's reason as soon as it fires. */
export async function sweep(addresses: readonly string[], asked: Asked, tools: Tools): Promise<Sweep> {
  const found: Sweep = { devices: [], refused: [], denied: 0 }
  const user = snmpUserOf(tools.credential)
  let next = 0
  let done = 0
  const worker = async () => {
    while (next < addresses.length) {
      const address = addresses[next++] as string
      await askOne(address, user, asked, tools, found).catch((error: unknown) => {
        next = addresses.length
        throw error
      })
      done++
      tools.progress({ done, total: addresses.length, found: found.devices.length })
    }
  }
  await Promise.all(Array.from({ length: Math.min(asked.concurrency, addresses.length) }, worker))
  const at = new Map(addresses.map((address, index) => [address, index]))
  const byAddress = (a: { address: string }, b: { address: string }) =>
    (at.get(a.address) ?? 0) - (at.get(b.address) ?? 0)
  return { ...found, devices: found.devices.toSorted(byAddress), refused: found.refused.toSorted(byAddress) }
}

async function askOne(
  address: string,
  user: SnmpUser,
  asked: Asked,
  tools: Tools,
  found: Sweep,
): Promise<void> {
  tools.signal.throwIfAborted()
  try {
    tools.reach.assertCredentialMayGoTo(address)
    await tools.reach.resolve(address, asked.port)
    const startedAt = performance.now()
    const target = { address, family: isIP(address) }
    const session = await openSession(target, asked, user, tools.signal)
    try {
      const values = await getValues(session, identity)
      const latencyMs = Math.round(performance.now() - startedAt)
      // Kept described: thousands of agents may each send as much as a datagram holds, or what fits no type.
      found.devices.push(asked.describe({ address, latencyMs, values }))
    } finally {
      session.close()
    }
  } catch (error) {
    tools.signal.throwIfAborted()
    if (!(error instanceof AppError)) throw error
    if (error.code === 'outbound_denied') found.denied++
    else if (error.code !== 'target_unreachable') found.refused.push({ address, message: error.message })
  }
}
