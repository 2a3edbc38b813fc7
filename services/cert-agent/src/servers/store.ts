import type { ListServers, NginxSettings } from '@opsconductor/contracts'
import { refuseTaken } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import { pageArguments } from '@opsconductor/service-kit'
import type { z } from 'zod'
import type { Prisma, PrismaClient } from '../generated/client.ts'

type Row = Prisma.ServerGetPayload<object>
/** A managed NGINX host. */
export type StoredServer = Omit<Row, 'nginx'> & { nginx: NginxSettings }
export type ServerFields = Pick<
  StoredServer,
  'name' | 'host' | 'port' | 'credentialId' | 'via' | 'sudo' | 'nginx' | 'keepVersions'
>

const serversMax = 2_000

export function createServerStore(prisma: PrismaClient) {
  return {
    async insert(projectId: string, fields: ServerFields, by: string): Promise<StoredServer> {
      if ((await prisma.server.count({ where: { projectId } })) >= serversMax)
        throw new AppError(
          'conflict',
          `The project has ${serversMax} servers, which is the most it may have.`,
        )
      return fromRow(
        await prisma.server.create({ data: { projectId, ...fields, createdBy: by } }).catch(refuseTakenName),
      )
    },

    /** What is undefined stays. Undefined where the project has no such server. */
    async update(
      { projectId, id }: { projectId: string; id: string },
      fields: { [Field in keyof ServerFields]?: ServerFields[Field] | undefined },
    ): Promise<StoredServer | undefined> {
      const data = { ...fields, updatedAt: new Date() } as Prisma.ServerUpdateManyMutationInput
      const [row] = await prisma.server
        .updateManyAndReturn({ where: { projectId, id }, data })
        .catch(refuseTakenName)
      return row === undefined ? undefined : fromRow(row)
    },

    /** With its virtual hosts and deployments. False where a certificate is live there and `force` is not set. */
    async remove({ projectId, id }: { projectId: string; id: string }, force: boolean): Promise<boolean> {
      const free = force ? {} : { deployments: { none: { liveVersion: { not: null } } } }
      return (await prisma.server.deleteMany({ where: { projectId, id, ...free } })).count === 1
    },

    async find(projectId: string, id: string): Promise<StoredServer | undefined> {
      const row = await prisma.server.findFirst({ where: { projectId, id } })
      return row === null ? undefined : fromRow(row)
    },

    /** Those of the ids that are the project's servers. */
    async findIds(projectId: string, ids: readonly string[]): Promise<string[]> {
      const rows = await prisma.server.findMany({
        where: { projectId, id: { in: [...ids] } },
        select: { id: true },
      })
      return rows.map(({ id }) => id)
    },

    /** Newest first; one more than the page holds. `within`: only these. */
    async list(
      projectId: string,
      { name, ...page }: z.infer<typeof ListServers>,
      within: readonly string[] | undefined,
    ): Promise<StoredServer[]> {
      const rows = await prisma.server.findMany({
        where: {
          projectId,
          ...(name === undefined ? {} : { name }),
          ...(within === undefined ? {} : { id: { in: [...within] } }),
        },
        ...pageArguments(page),
      })
      return rows.map(fromRow)
    },
  }
}

// Only what NginxSettings has parsed is ever written.
const fromRow = (row: Row): StoredServer => ({ ...row, nginx: row.nginx as NginxSettings })

const refuseTakenName = refuseTaken('The project has a server of this name already.')
