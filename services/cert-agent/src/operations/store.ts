import { randomUUID } from 'node:crypto'
import { certAgentTopics, type ListOperations, type operationKinds } from '@opsconductor/contracts'
import { publishEvent } from '@opsconductor/events'
import { pageArguments } from '@opsconductor/service-kit'
import type { z } from 'zod'
import { type ClientLimit, certificateWithin } from '../client-limits/certificate-within.ts'
import type { Prisma, PrismaClient } from '../generated/client.ts'

export type OperationKind = (typeof operationKinds)[number]
export type StoredOperation = Prisma.OperationGetPayload<object>

export interface NewOperation {
  /** Left out: a new one. Throws where there is one of this id. */
  id?: string | undefined
  /** Of what was asked, where that is never to be two operations. */
  asked?: string | undefined
  projectId: string
  kind: OperationKind
  /** A person or key as `callerLabel` has it, or `bySchedule`. */
  actor: string
  certificateId?: string | undefined
  serverId?: string | undefined
  batchId?: string | undefined
  /** Free of secrets. */
  request?: Prisma.InputJsonObject
  /** Ids of what the broker lends to it. */
  credentials?: string[]
}

export type OperationOutcome =
  | { state: 'succeeded'; result: Prisma.InputJsonValue }
  | {
      state: 'failed' | 'cancelled'
      error: { code: string; message: string }
      result?: Prisma.InputJsonValue
    }

/** In the transaction that writes the operation with this id. */
type Within = (tx: Prisma.TransactionClient, id: string) => Promise<unknown>

const open = { in: ['queued', 'running'] }

/** What a limited API key sees: what is about its servers and certificates, and what it asked for. */
const operationWithin = (limit: ClientLimit): Prisma.OperationWhereInput => ({
  OR: [
    { actor: limit.by },
    { serverId: { in: [...limit.serverIds] } },
    { certificate: certificateWithin(limit) },
  ],
})

/** Every change is announced in its transaction: whoever watches the operation looks again. */
export function createOperationStore(prisma: PrismaClient) {
  const announcing = <T extends { id: string } | undefined>(
    work: (tx: Prisma.TransactionClient) => Promise<T>,
  ): Promise<T> =>
    prisma.$transaction(async (tx) => {
      const changed = await work(tx)
      if (changed !== undefined)
        await publishEvent((sql, ...values) => tx.$executeRawUnsafe(sql, ...values), {
          topic: certAgentTopics.operationChanged,
          key: changed.id,
        })
      return changed
    })
  /** Undefined where the row is not in one of the states. `within`: what is written with it, or not at all. */
  const change = (
    where: Prisma.OperationWhereInput & { id: string },
    data: Prisma.OperationUpdateManyMutationInput,
    within: Within = async () => {},
  ): Promise<StoredOperation | undefined> =>
    announcing(async (tx) => {
      const [changed] = await tx.operation.updateManyAndReturn({ where, data })
      if (changed !== undefined) await within(tx, changed.id)
      return changed
    })

  return {
    /** `within`: what is written before it, or not at all. */
    insert: (
      operation: NewOperation,
      state: 'queued' | 'running' = 'queued',
      within: Within = async () => {},
    ): Promise<StoredOperation> =>
      announcing(async (tx) => {
        const { id = randomUUID() } = operation
        await within(tx, id)
        const { certificateId = null, serverId = null, batchId = null } = operation
        const { asked, credentials = [], projectId, kind, actor } = operation
        const request = { ...operation.request, ...(asked === undefined ? {} : { asked }) }
        const startedAt = state === 'running' ? new Date() : null
        return tx.operation.create({
          data: {
            ...{ id, projectId, kind, actor, certificateId, serverId, batchId, request, credentials },
            ...{ state, startedAt },
          },
        })
      }),

    find: async (projectId: string, id: string): Promise<StoredOperation | undefined> =>
      (await prisma.operation.findFirst({ where: { projectId, id } })) ?? undefined,

    findById: async (id: string): Promise<StoredOperation | undefined> =>
      (await prisma.operation.findUnique({ where: { id } })) ?? undefined,

    /** Newest first; one more than the page holds. */
    list(
      projectId: string,
      query: z.infer<typeof ListOperations>,
      limit: ClientLimit | undefined,
    ): Promise<StoredOperation[]> {
      const { limit: take, cursor, ...of } = query
      return prisma.operation.findMany({
        where: {
          projectId,
          ...(cursor === undefined ? {} : { NOT: { id: cursor } }),
          ...(of.kind === undefined ? {} : { kind: of.kind }),
          ...(of.state === undefined ? {} : { state: of.state }),
          ...(of.certificate_id === undefined ? {} : { certificateId: of.certificate_id }),
          ...(of.server_id === undefined ? {} : { serverId: of.server_id }),
          ...(of.batch_id === undefined ? {} : { batchId: of.batch_id }),
          ...(limit === undefined ? {} : operationWithin(limit)),
        },
        ...pageArguments({ limit: take, cursor }),
        // The cursor's row may have left the list meanwhile: then the next one must not be skipped for it.
        skip: 0,
      })
    },

    /** The operation as it is under way; undefined where it has ended. */
    begin: async (id: string): Promise<StoredOperation | undefined> =>
      (await change({ id, state: 'queued' }, { state: 'running', startedAt: new Date() })) ??
      (await prisma.operation.findFirst({ where: { id, state: 'running' } })) ??
      undefined,

    report: (id: string, progress: Prisma.InputJsonObject): Promise<StoredOperation | undefined> =>
      change({ id, state: open }, { progress }),

    /** The row as it ended now; undefined where it had ended before. */
    close: (id: string, outcome: OperationOutcome, within?: Within): Promise<StoredOperation | undefined> =>
      change(
        { id, state: open },
        {
          state: outcome.state,
          finishedAt: new Date(),
          ...(outcome.result === undefined ? {} : { result: outcome.result }),
          ...(outcome.state === 'succeeded' ? {} : { error: outcome.error }),
        },
        within,
      ),

    /** The broker lends these to it too, while it is under way. */
    async nameCredentials(id: string, credentials: readonly string[]): Promise<void> {
      if (credentials.length === 0) return
      await prisma.$executeRaw`
        UPDATE cert_agent.operations
        SET credentials = ARRAY(SELECT DISTINCT unnest(credentials || ${credentials}::uuid[]))
        WHERE id = ${id}::uuid AND NOT credentials @> ${credentials}::uuid[]`
    },

    /**
     * What it may need of the broker: the credentials, and the bastions on the ways to its servers. Of what is another
     * project's, nothing.
     */
    async findNeeds(id: string): Promise<{ credentials: string[]; ways: string[][] }> {
      const rows = await prisma.$queryRaw<{ credential: string | null; via: string[] }[]>`
        WITH o AS (SELECT * FROM cert_agent.operations WHERE id = ${id}::uuid),
          c AS (SELECT c.* FROM cert_agent.certificates c JOIN o ON c.id = o.certificate_id),
          challenges AS (SELECT jsonb_array_elements(c.challenges) AS challenge FROM c, o WHERE o.kind <> 'deploy'),
          server_ids AS (
            SELECT server_id AS id FROM o
            UNION SELECT c.key_made_on FROM c, o WHERE o.kind <> 'deploy'
            UNION SELECT (challenge ->> 'server_id')::uuid FROM challenges
            UNION SELECT d.server_id FROM cert_agent.deployments d JOIN o ON d.operation_id = o.id)
        SELECT c.credential_id AS credential, '{}'::text[] AS via FROM c
        UNION ALL
        SELECT unnest(ARRAY[a.credential_id, a.staging_credential_id]), '{}' FROM cert_agent.acme_accounts a
          JOIN c ON a.id = c.acme_account_id JOIN o ON a.project_id = o.project_id WHERE o.kind <> 'deploy'
        UNION ALL
        SELECT d.credential_id, '{}' FROM cert_agent.dns_accounts d
          JOIN challenges ON d.id = (challenge ->> 'dns_account_id')::uuid JOIN o ON d.project_id = o.project_id
        UNION ALL
        SELECT s.credential_id, s.via FROM cert_agent.servers s
          JOIN server_ids ON s.id = server_ids.id JOIN o ON s.project_id = o.project_id`
      const ways = new Map(rows.map(({ via }) => [via.join(' '), via]))
      ways.delete('')
      return {
        credentials: [...new Set(rows.flatMap(({ credential }) => credential ?? []))],
        ways: [...ways.values()],
      }
    },

    isAnyOpen: async (): Promise<boolean> =>
      (await prisma.operation.findFirst({ where: { state: open }, select: { id: true } })) !== null,

    /** The newest that is under way for the certificate. */
    findOpen: async (
      certificateId: string,
      kinds: readonly OperationKind[],
    ): Promise<StoredOperation | undefined> =>
      (await prisma.operation.findFirst({
        where: { certificateId, kind: { in: [...kinds] }, state: open },
        orderBy: { createdAt: 'desc' },
      })) ?? undefined,

    /** All that are under way for the certificate. */
    listOpen: (certificateId: string): Promise<StoredOperation[]> =>
      prisma.operation.findMany({ where: { certificateId, state: open } }),

    itemsOf: (batchId: string): Promise<StoredOperation[]> =>
      prisma.operation.findMany({ where: { batchId }, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] }),

    /** Left queued for longer than starting a workflow takes, the oldest first. */
    listLeftQueued: (before: Date, limit: number): Promise<StoredOperation[]> =>
      prisma.operation.findMany({
        where: { state: 'queued', createdAt: { lt: before } },
        orderBy: { createdAt: 'asc' },
        take: limit,
      }),

    /** Under way since before, in the order of their ids, from the one after `after` on. */
    listUnderWay: (before: Date, after: string | undefined, limit: number): Promise<StoredOperation[]> =>
      prisma.operation.findMany({
        where: {
          state: 'running',
          startedAt: { lt: before },
          ...(after === undefined ? {} : { id: { gt: after } }),
        },
        orderBy: { id: 'asc' },
        take: limit,
      }),
  }
}
