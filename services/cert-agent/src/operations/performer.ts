import type { Deps } from '../deps.ts'
import type { Prisma } from '../generated/client.ts'
import type { StoredOperation } from './store.ts'

/** One attempt at an operation; what it answers becomes the operation's result. */
export type Performer = (
  deps: Deps,
  operation: StoredOperation,
  signal: AbortSignal,
) => Promise<Prisma.InputJsonValue>
