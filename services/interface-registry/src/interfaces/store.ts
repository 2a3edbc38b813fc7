import { type PageQuery, type PublishState, registryTopics } from '@opsconductor/contracts'
import { publishEvent } from '@opsconductor/events'
import type { JsonSchemaDocument } from '@opsconductor/json-schema'
import { pageArguments } from '@opsconductor/service-kit'
import { Prisma, type PrismaClient } from '../generated/client.ts'

export type InterfaceType = 'signal' | 'query' | 'update'
export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** What people decide of a public face. */
export interface Face {
  httpMethod: HttpMethod
  httpPath: string
  rateLimitPerMinute: number | null
}

export interface PublicFace extends Face {
  id: string
  hash: string
  state: PublishState
  lastError: string | null
  authType: string
  kongRouteId: string | null
  generation: number
}

export interface InterfaceFields {
  displayName: string
  description: string | null
  inputSchema: JsonSchemaDocument | null
  outputSchema: JsonSchemaDocument | null
}

export interface NewInterface extends InterfaceFields {
  workflowId: string
  name: string
  interfaceType: InterfaceType
  callableName: string
}

export interface InterfaceRecord extends NewInterface {
  id: string
  isPublic: boolean
  face: PublicFace | null
  createdAt: Date
  updatedAt: Date
}

/** What becomes of the public face in a change. */
export type FaceChange =
  | { kind: 'keep' }
  | { kind: 'publish'; face: Face; newHash: () => string }
  | { kind: 'withdraw' }

type Transaction = Prisma.TransactionClient
type Row = Prisma.ServiceInterfaceGetPayload<{ include: { publicInterface: true } }>

const withFace = { publicInterface: true } as const

function toRecord({ publicInterface, ...row }: Row): InterfaceRecord {
  return {
    ...row,
    interfaceType: row.interfaceType as InterfaceType,
    inputSchema: row.inputSchema as JsonSchemaDocument | null,
    outputSchema: row.outputSchema as JsonSchemaDocument | null,
    isPublic: row.isPublic ?? false,
    face:
      publicInterface === null
        ? null
        : {
            ...publicInterface,
            httpMethod: publicInterface.httpMethod as HttpMethod,
            state: publicInterface.state as PublicFace['state'],
            authType: publicInterface.authType ?? 'api_key',
          },
  }
}

const jsonColumn = (schema: JsonSchemaDocument | null) =>
  schema === null ? Prisma.DbNull : (schema as Prisma.InputJsonObject)

const fieldColumns = (fields: InterfaceFields) => ({
  displayName: fields.displayName,
  description: fields.description,
  inputSchema: jsonColumn(fields.inputSchema),
  outputSchema: jsonColumn(fields.outputSchema),
})

const announce = (tx: Transaction, hash: string) =>
  publishEvent((sql, ...parameters) => tx.$executeRawUnsafe(sql, ...parameters), {
    topic: registryTopics.interfaceChanged,
    key: hash,
  })

/** The interface and, where it is public, its face; the gateway learns of it by the event. */
export async function insertInterface(
  prisma: PrismaClient,
  fresh: NewInterface,
  face: (Face & { hash: string }) | null,
): Promise<InterfaceRecord> {
  return prisma.$transaction(async (tx) => {
    const row = await tx.serviceInterface.create({
      data: {
        ...fieldColumns(fresh),
        workflowId: fresh.workflowId,
        name: fresh.name,
        interfaceType: fresh.interfaceType,
        callableName: fresh.callableName,
        isPublic: face !== null,
        ...(face === null ? {} : { publicInterface: { create: face } }),
      },
      include: withFace,
    })
    if (face !== null) await announce(tx, face.hash)
    return toRecord(row)
  })
}

export async function selectInterface(
  prisma: PrismaClient,
  projectId: string,
  id: string,
): Promise<InterfaceRecord | undefined> {
  const row = await prisma.serviceInterface.findFirst({
    where: { id, workflow: { projectId } },
    include: withFace,
  })
  return row === null ? undefined : toRecord(row)
}

/** Newest first, one more than asked for. */
export async function selectInterfaces(
  prisma: PrismaClient,
  projectId: string,
  { workflow_id: workflowId, ...page }: PageQuery & { workflow_id?: string | undefined },
): Promise<InterfaceRecord[]> {
  const rows = await prisma.serviceInterface.findMany({
    where: { workflow: { projectId }, ...(workflowId === undefined ? {} : { workflowId }) },
    include: withFace,
    ...pageArguments(page),
  })
  return rows.map(toRecord)
}

/**
 * Changes an interface under a lock: `decide` sees it as it is now and says what it shall be. Undefined where it is gone.
 */
export async function changeInterface(
  prisma: PrismaClient,
  id: string,
  decide: (current: InterfaceRecord) => { fields: InterfaceFields; face: FaceChange },
): Promise<InterfaceRecord | undefined> {
  return prisma.$transaction(async (tx) => {
    await tx.$queryRaw`SELECT 1 FROM interface_registry.service_interfaces WHERE id = ${id}::uuid FOR UPDATE`
    // The publisher changes the state of a face.
    await tx.$queryRaw`SELECT 1 FROM interface_registry.public_interfaces WHERE service_interface_id = ${id}::uuid FOR UPDATE`
    const row = await tx.serviceInterface.findUnique({ where: { id }, include: withFace })
    if (row === null) return undefined
    const current = toRecord(row)
    const { fields, face } = decide(current)
    await changeFace(tx, current, face)
    const changed = await tx.serviceInterface.update({
      where: { id },
      data: {
        ...fieldColumns(fields),
        ...(face.kind === 'keep' ? {} : { isPublic: face.kind === 'publish' }),
        updatedAt: new Date(),
      },
      include: withFace,
    })
    const record = toRecord(changed)
    if (record.face !== null && record.face.state !== 'withdrawn') await announce(tx, record.face.hash)
    return record
  })
}

async function changeFace(tx: Transaction, current: InterfaceRecord, change: FaceChange): Promise<void> {
  const { id: serviceInterfaceId, face } = current
  if (change.kind === 'publish' && face === null) {
    await tx.publicInterface.create({
      data: { ...change.face, serviceInterfaceId, hash: change.newHash() },
    })
    return
  }
  if (change.kind === 'keep' || face === null) return
  await tx.publicInterface.update({
    where: { id: face.id },
    data: {
      ...(change.kind === 'publish' ? { ...change.face, state: 'pending' } : { state: 'withdrawing' }),
      lastError: null,
      generation: { increment: 1 },
      updatedAt: new Date(),
    },
  })
}

/** Marks the public faces of an interface, or of all of a workflow, to be taken off the gateway. */
export async function markWithdrawing(
  prisma: PrismaClient,
  where: { id: string } | { workflowId: string },
): Promise<{ id: string }[]> {
  return prisma.$transaction(async (tx) => {
    const faces = await tx.publicInterface.findMany({
      where: { serviceInterface: where, state: { not: 'withdrawn' } },
    })
    const ids = faces.map(({ id }) => id)
    await tx.publicInterface.updateMany({
      where: { id: { in: ids } },
      data: { state: 'withdrawing', lastError: null, generation: { increment: 1 }, updatedAt: new Date() },
    })
    await tx.serviceInterface.updateMany({ where, data: { isPublic: false } })
    for (const face of faces) await announce(tx, face.hash)
    return faces
  })
}

export async function removeInterface(prisma: PrismaClient, id: string): Promise<void> {
  await prisma.serviceInterface.deleteMany({ where: { id } })
}

/** The project of a public interface that can be called, or soon will be. */
export async function selectProjectOfFace(prisma: PrismaClient, id: string): Promise<string | undefined> {
  const row = await prisma.publicInterface.findFirst({
    where: { id, state: { in: ['pending', 'published'] } },
    select: { serviceInterface: { select: { workflow: { select: { projectId: true } } } } },
  })
  return row?.serviceInterface.workflow.projectId
}
