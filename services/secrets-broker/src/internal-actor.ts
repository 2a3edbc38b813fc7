import type { InternalCaller } from '@opsconductor/contracts'

/** Who asks on the internal listener, and from where. */
export interface InternalActor {
  caller: InternalCaller
  clientAddress: string
}
