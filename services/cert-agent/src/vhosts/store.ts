import type { PageQuery } from '@opsconductor/contracts'
import { isForeignKeyViolation, refuseTaken } from '@opsconductor/database'
import { AppError, invalidField } from '@opsconductor/errors'
import { pageArguments } from '@opsconductor/service-kit'
import type { Prisma, PrismaClient } from '../generated/client.ts'

export type StoredVhost = Prisma.VhostGetPayload<object>
export type VhostFields = Pick<
  StoredVhost,
  'names' | 'probeHost' | 'probePort' | 'configFile' | 'template' | 'certificateId'
>
export type VhostChanges = { [Field in keyof VhostFields]?: VhostFields[Field] | undefined }
export interface FoundVhost {
  names: string[]
  probePort: number
  configFile: string | null
  certificateId: string | null
}

const vhostsMax = 1_000
/** A thousand of them may have changed. */
const transactionOf = { timeout: 30_000 }

export function createVhostStore(prisma: PrismaClient) {
  return {
    async insert(
      { projectId, serverId }: Pick<StoredVhost, 'projectId' | 'serverId'>,
      fields: VhostFields,
    ): Promise<StoredVhost> {
      if ((await prisma.vhost.count({ where: { serverId } })) >= vhostsMax)
        throw new AppError(
          'conflict',
          `The server has ${vhostsMax} virtual hosts, which is the most it may have.`,
        )
      return prisma.vhost.create({ data: { projectId, serverId, ...fields } }).catch(refuseWrite)
    },

    /**
     * What is undefined stays. It is somebody's word from now on: discovery leaves it alone. Undefined where the server has no
     * such virtual host.
     */
    async update(
      where: Pick<StoredVhost, 'serverId' | 'id'>,
      changes: VhostChanges,
    ): Promise<StoredVhost | undefined> {
      const fields = changes as Prisma.VhostUncheckedUpdateManyInput
      const data = { ...fields, discovered: false, updatedAt: new Date() }
      return (await prisma.vhost.updateManyAndReturn({ where, data }).catch(refuseWrite))[0]
    },

    /** Whether there was one. */
    async remove({ serverId, id }: { serverId: string; id: string }): Promise<boolean> {
      return (await prisma.vhost.deleteMany({ where: { serverId, id } })).count === 1
    },

    find: async (serverId: string, id: string): Promise<StoredVhost | undefined> =>
      (await prisma.vhost.findFirst({ where: { serverId, id } })) ?? undefined,

    findAll: (ids: readonly string[]): Promise<StoredVhost[]> =>
      prisma.vhost.findMany({ where: { id: { in: [...ids] } } }),

    /** Newest first; one more than the page holds. */
    list: (serverId: string, page: PageQuery): Promise<StoredVhost[]> =>
      prisma.vhost.findMany({ where: { serverId }, ...pageArguments(page) }),

    /** Another virtual host of the server whose configuration is in the file. */
    async findSharing(serverId: string, configFile: string, exceptId: string | undefined) {
      const others = exceptId === undefined ? {} : { id: { not: exceptId } }
      return (await prisma.vhost.findFirst({ where: { serverId, configFile, ...others } })) ?? undefined
    },

    /**
     * Takes up what was found on the server. What people wrote stays: of a discovered virtual host only its names and file
     * change, and it gets a certificate where it has none. `isWhole`: discovered ones that are gone, and that nobody gave
     * a certificate, are forgotten.
     */
    async takeUp(
      { projectId, serverId }: Pick<StoredVhost, 'projectId' | 'serverId'>,
      found: readonly FoundVhost[],
      isWhole: boolean,
    ): Promise<{ added: number; changed: number; removed: number }> {
      const keyOf = ({ names, probePort }: Pick<StoredVhost, 'names' | 'probePort'>) =>
        `${names[0]}:${probePort}`
      return prisma.$transaction(async (tx) => {
        const known = await tx.vhost.findMany({ where: { serverId } })
        const byKey = new Map(known.map((vhost) => [keyOf(vhost), vhost]))
        const created = found
          .filter((vhost) => !byKey.has(keyOf(vhost)))
          .slice(0, Math.max(0, vhostsMax - known.length))
        await tx.vhost.createMany({
          data: created.map((vhost) => ({ projectId, serverId, discovered: true, ...vhost })),
          skipDuplicates: true,
        })
        const changes = found.flatMap((vhost) => {
          const row = byKey.get(keyOf(vhost))
          return row?.discovered === true && differs(row, vhost) ? [{ row, vhost }] : []
        })
        for (const { row, vhost } of changes)
          await tx.vhost.updateMany({
            where: { id: row.id, discovered: true },
            data: {
              ...{ names: vhost.names, configFile: vhost.configFile, updatedAt: new Date() },
              certificateId: row.certificateId ?? vhost.certificateId,
            },
          })
        const seen = new Set(found.map(keyOf))
        const gone = known.filter(
          (vhost) => vhost.discovered && vhost.certificateId === null && !seen.has(keyOf(vhost)),
        )
        const unclaimed = { discovered: true, certificateId: null }
        if (isWhole)
          await tx.vhost.deleteMany({ where: { id: { in: gone.map(({ id }) => id) }, ...unclaimed } })
        return { added: created.length, changed: changes.length, removed: isWhole ? gone.length : 0 }
      }, transactionOf)
    },

    /** Of the certificates of the ids, those that were deployed to the server: what they are for. */
    findDeployed: (serverId: string, ids: readonly string[]): Promise<{ id: string; names: string[] }[]> =>
      prisma.certificate.findMany({
        where: { id: { in: [...ids] }, deployments: { some: { serverId } } },
        select: { id: true, names: true },
      }),
  }
}

export type VhostStore = ReturnType<typeof createVhostStore>

const differs = (row: StoredVhost, found: FoundVhost): boolean =>
  row.names.join(' ') !== found.names.join(' ') ||
  row.configFile !== found.configFile ||
  (row.certificateId === null && found.certificateId !== null)

const refuseTakenPlace = refuseTaken(
  'The server has a virtual host of this first name on this port already.',
  { path: 'body.names[0]' },
)

function refuseWrite(error: unknown): never {
  // The certificate was deleted meanwhile.
  if (isForeignKeyViolation(error))
    throw invalidField('body.certificate_id', 'is not a certificate of this project')
  return refuseTakenPlace(error)
}
