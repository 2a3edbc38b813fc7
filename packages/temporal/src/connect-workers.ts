import { NativeConnection } from '@temporalio/worker'
import type { TemporalOptions } from './connect.ts'
import { temporalUnavailable } from './unavailable.ts'

/** The connection that all workers of a process share. Throws `service_unavailable` while Temporal is away. */
export async function connectWorkers(
  options: Pick<TemporalOptions, 'address' | 'tls'>,
): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect({
      address: options.address,
      ...(options.tls === undefined ? {} : { tls: options.tls }),
    })
  } catch (error) {
    throw temporalUnavailable(error) ?? error
  }
}
