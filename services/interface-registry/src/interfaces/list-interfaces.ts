import { type Caller, projectOf } from '@opsconductor/auth'
import type { ListInterfaces } from '@opsconductor/contracts'
import { toPage } from '@opsconductor/service-kit'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { interfaceToWire } from './interface-to-wire.ts'
import { selectInterfaces } from './store.ts'

export async function listInterfaces(
  { prisma, config }: Deps,
  caller: Caller,
  query: z.infer<typeof ListInterfaces>,
) {
  const rows = await selectInterfaces(prisma, projectOf(caller), query)
  return toPage(rows, query.limit, interfaceToWire(config.PUBLIC_BASE_URL))
}
