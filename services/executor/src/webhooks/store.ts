import { createHash } from 'node:crypto'
import type { PageQuery, RunFailure, WebhookDeliveryStatus } from '@opsconductor/contracts'
import { pageArguments } from '@opsconductor/service-kit'
import { Prisma, type PrismaClient } from '../generated/client.ts'
import type { DeliveryOutcome, EndpointValidation } from './webhook-log.ts'

/** A step as it was rendered: what is needed to send its webhook again. */
export interface KeptRequest {
  type: string
  position: number
  credential: string | null
  clientCertificate: string | null
  via?: string[]
  input: unknown
  timeoutSeconds: number
}

export interface NewMessage {
  id: string
  projectId: string
  runId: string
  stepId: string
  item: string
  eventType: string | null
  /** Null where it holds a secret, so that it may not be kept. */
  request: KeptRequest | null
}

export interface NewAttempt {
  attempt: number
  redeliveryId: string | null
  /** As it may be shown. */
  url: string
}

export interface WebhookEndpoint {
  id: string
  url: string
  disabledAt: Date | null
  validatedBy: EndpointValidation | null
  validatedAt: Date | null
  enabledBy: string | null
  enabledAt: Date | null
  createdAt: Date
}

export interface WebhookMessage extends NewMessage {
  createdAt: Date
}

export interface WebhookDelivery {
  id: string
  webhookId: string
  stepId: string
  item: string
  attempt: number
  redeliveryId: string | null
  eventType: string | null
  url: string
  status: WebhookDeliveryStatus
  responseStatus: number | null
  error: RunFailure | null
  nextAttemptAt: Date | null
  createdAt: Date
  finishedAt: Date | null
}

/** A redelivery that never came to its end keeps others from beginning, and may borrow credentials, no longer than this. */
const redeliveryMsMax = 3_600_000
const isOpen = () => ({ finishedAt: null, createdAt: { gt: new Date(Date.now() - redeliveryMsMax) } })

/** Of the URL as it is asked for: its fragment is not sent. */
function hashOf(text: string): string {
  const url = new URL(text)
  url.hash = ''
  return createHash('sha256').update(url.href).digest('hex')
}

/** Webhooks, their deliveries, and what is remembered of where they go. */
export function createWebhookStore(prisma: PrismaClient) {
  return { ...attemptRows(prisma), ...endpointRows(prisma), ...redeliveryRows(prisma) }
}

export type WebhookStore = ReturnType<typeof createWebhookStore>

function attemptRows(prisma: PrismaClient) {
  return {
    /** Opens an attempt's line; the lines of attempts before that never came to their end are closed as lost. */
    async openDelivery(
      message: NewMessage,
      { attempt, redeliveryId, url }: NewAttempt,
      lost: RunFailure,
    ): Promise<{ id: string; occurredAt: Date }> {
      const { id: messageId, request } = message
      const finished = { status: 'running', responseStatus: null, nextAttemptAt: null, finishedAt: null }
      return await prisma.$transaction(async (tx) => {
        await tx.webhookMessage.createMany({
          data: [{ ...message, request: request === null ? Prisma.DbNull : ({ ...request } as never) }],
          skipDuplicates: true,
        })
        const { createdAt: occurredAt } = await tx.webhookMessage.findUniqueOrThrow({
          where: { id: messageId },
          select: { createdAt: true },
        })
        await tx.webhookDelivery.updateMany({
          where: { messageId, status: 'running', attempt: { lt: attempt } },
          data: { status: 'failed', error: { ...lost }, finishedAt: new Date() },
        })
        const { id } = await tx.webhookDelivery.upsert({
          where: { messageId_attempt: { messageId, attempt } },
          create: { messageId, attempt, redeliveryId, url, status: 'running' },
          update: { ...finished, error: Prisma.DbNull },
          select: { id: true },
        })
        return { id, occurredAt }
      })
    },

    async closeDelivery(id: string, outcome: Omit<DeliveryOutcome, 'error'> & { error: RunFailure | null }) {
      const { error, ...rest } = outcome
      await prisma.webhookDelivery.update({
        where: { id },
        data: { ...rest, error: error === null ? Prisma.DbNull : { ...error }, finishedAt: new Date() },
      })
    },

    async listDeliveries(runId: string, page: PageQuery): Promise<WebhookDelivery[]> {
      const rows = await prisma.webhookDelivery.findMany({
        where: { message: { runId } },
        include: { message: true },
        ...pageArguments(page),
      })
      return rows.map(({ message, messageId, ...row }) => ({
        ...row,
        webhookId: messageId,
        stepId: message.stepId,
        item: message.item,
        eventType: message.eventType,
        status: row.status as WebhookDeliveryStatus,
        error: row.error as RunFailure | null,
      }))
    },
  }
}

function endpointRows(prisma: PrismaClient) {
  const keyOf = (projectId: string, url: string) => ({ projectId, urlHash: hashOf(url) })
  /** Writes into the endpoint's row, which it makes where there is none. */
  async function write(
    projectId: string,
    { url, shown }: { url: string; shown: string },
    data: Pick<Prisma.WebhookEndpointUncheckedCreateInput, 'validatedBy' | 'validatedAt' | 'disabledAt'>,
  ): Promise<string> {
    const key = keyOf(projectId, url)
    const { id } = await prisma.webhookEndpoint.upsert({
      where: { projectId_urlHash: key },
      create: { ...key, url: shown, ...data },
      update: data,
      select: { id: true },
    })
    return id
  }

  return {
    async findEndpoint(projectId: string, url: string): Promise<WebhookEndpoint | undefined> {
      const row = await prisma.webhookEndpoint.findUnique({
        where: { projectId_urlHash: keyOf(projectId, url) },
      })
      return row === null ? undefined : toEndpoint(row)
    },

    async listEndpoints(projectId: string, page: PageQuery): Promise<WebhookEndpoint[]> {
      const rows = await prisma.webhookEndpoint.findMany({ where: { projectId }, ...pageArguments(page) })
      return rows.map(toEndpoint)
    },

    async saveValidated(
      projectId: string,
      at: { url: string; shown: string },
      by: EndpointValidation,
    ): Promise<void> {
      await write(projectId, at, { validatedBy: by, validatedAt: new Date() })
    },

    /** What was found out before does not count any more. Answers the endpoint's id. */
    disableEndpoint: (projectId: string, at: { url: string; shown: string }): Promise<string> =>
      write(projectId, at, { disabledAt: new Date(), validatedBy: null, validatedAt: null }),

    /** Undefined where the project has no such endpoint. One that is in use stays as it is. */
    async enableEndpoint(projectId: string, id: string, by: string): Promise<WebhookEndpoint | undefined> {
      await prisma.webhookEndpoint.updateMany({
        where: { id, projectId, disabledAt: { not: null } },
        data: { disabledAt: null, enabledBy: by, enabledAt: new Date() },
      })
      const row = await prisma.webhookEndpoint.findFirst({ where: { id, projectId } })
      return row === null ? undefined : toEndpoint(row)
    },
  }
}

function redeliveryRows(prisma: PrismaClient) {
  return {
    async findMessage(runId: string, stepId: string, item: string): Promise<WebhookMessage | undefined> {
      const row = await prisma.webhookMessage.findUnique({
        where: { runId_stepId_item: { runId, stepId, item } },
      })
      return row === null ? undefined : toMessage(row)
    },

    /** False where one of the same message is under way. */
    async openRedelivery(
      message: WebhookMessage,
      { id, askedBy }: { id: string; askedBy: string },
    ): Promise<boolean> {
      const { id: messageId, projectId } = message
      return await prisma.$transaction(async (tx) => {
        // Two that ask at once meet here.
        await tx.$queryRaw`SELECT FROM executor.webhook_messages WHERE id = ${messageId} FOR UPDATE`
        if ((await tx.webhookRedelivery.count({ where: { messageId, ...isOpen() } })) > 0) return false
        await tx.webhookRedelivery.create({ data: { id, messageId, projectId, askedBy } })
        return true
      })
    },

    /** A redelivery that is under way, and the number of its attempt. */
    async findOpenRedelivery(id: string): Promise<{ message: WebhookMessage; attempt: number } | undefined> {
      const row = await prisma.webhookRedelivery.findFirst({
        where: { id, ...isOpen() },
        include: { message: true },
      })
      if (row === null) return undefined
      const { runId, stepId, item } = row.message
      const begun = await prisma.webhookDelivery.findFirst({ where: { redeliveryId: id } })
      const { _max } = await prisma.jobRunStep.aggregate({
        where: { runId, stepId, item },
        _max: { attempt: true },
      })
      return { message: toMessage(row.message), attempt: begun?.attempt ?? (_max.attempt ?? 0) + 1 }
    },

    async closeRedelivery(id: string): Promise<void> {
      await prisma.webhookRedelivery.updateMany({
        where: { id, finishedAt: null },
        data: { finishedAt: new Date() },
      })
    },
  }
}

const toEndpoint = (row: Prisma.WebhookEndpointGetPayload<object>): WebhookEndpoint => ({
  ...row,
  validatedBy: row.validatedBy as EndpointValidation | null,
})

const toMessage = (row: Prisma.WebhookMessageGetPayload<object>): WebhookMessage => ({
  ...row,
  request: row.request as KeptRequest | null,
})
