import { type Temporal, temporalUnavailable } from '@opsconductor/temporal'
import { type Connection, isGrpcServiceError } from '@temporalio/client'
import { defaultPayloadConverter } from '@temporalio/common'
import type { EndpointSpec } from './plan.ts'

/** An endpoint as Temporal holds it. */
export interface HeldEndpoint extends EndpointSpec {
  id: string
  version: Version
}

type OperatorService = Connection['operatorService']
type Version = NonNullable<Parameters<OperatorService['updateNexusEndpoint']>[0]['version']>
type OnWire = NonNullable<Awaited<ReturnType<OperatorService['getNexusEndpoint']>>['endpoint']>

export interface Endpoints {
  /** All of them, ours and others'. */
  list(): Promise<HeldEndpoint[]>
  find(name: string): Promise<HeldEndpoint | undefined>
  /** Undefined where it is gone. */
  get(id: string): Promise<HeldEndpoint | undefined>
  create(spec: EndpointSpec): Promise<HeldEndpoint>
  /** Fails where it was changed since it was read. */
  update(held: HeldEndpoint, spec: EndpointSpec): Promise<void>
  /** Does nothing where it is gone. */
  remove(held: HeldEndpoint): Promise<void>
}

const callMs = 5_000
const notFound = 5

/** Temporal's Nexus endpoints. Every call throws `service_unavailable` while Temporal is away. */
export function nexusEndpoints({ connection }: Pick<Temporal, 'connection'>): Endpoints {
  async function call<T>(work: (service: OperatorService) => Promise<T>): Promise<T> {
    try {
      return await connection.withDeadline(Date.now() + callMs, () => work(connection.operatorService))
    } catch (error) {
      throw temporalUnavailable(error) ?? error
    }
  }

  async function unlessGone<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (isGrpcServiceError(error) && error.code === notFound) return undefined
      throw error
    }
  }

  return {
    async list() {
      const found: HeldEndpoint[] = []
      let nextPageToken = new Uint8Array()
      do {
        const page = await call((service) => service.listNexusEndpoints({ pageSize: 100, nextPageToken }))
        found.push(...page.endpoints.map(toHeld))
        nextPageToken = new Uint8Array(page.nextPageToken)
      } while (nextPageToken.length > 0)
      return found
    },
    async find(name) {
      const { endpoints } = await call((service) => service.listNexusEndpoints({ pageSize: 1, name }))
      return endpoints.map(toHeld)[0]
    },
    async get(id) {
      const answer = await unlessGone(() => call((service) => service.getNexusEndpoint({ id })))
      return answer?.endpoint ? toHeld(answer.endpoint) : undefined
    },
    async create(spec) {
      const { endpoint } = await call((service) => service.createNexusEndpoint({ spec: specOnWire(spec) }))
      return toHeld(endpoint as OnWire)
    },
    async update({ id, version }, spec) {
      await call((service) => service.updateNexusEndpoint({ id, version, spec: specOnWire(spec) }))
    },
    async remove({ id, version }) {
      await unlessGone(() => call((service) => service.deleteNexusEndpoint({ id, version })))
    },
  }
}

const specOnWire = ({ name, namespace, taskQueue, description }: EndpointSpec) => ({
  name,
  description: defaultPayloadConverter.toPayload(description),
  target: { worker: { namespace, taskQueue } },
})

function toHeld({ id, version, spec }: OnWire): HeldEndpoint {
  return {
    id: id ?? '',
    version: version as Version,
    name: spec?.name ?? '',
    namespace: spec?.target?.worker?.namespace ?? '',
    taskQueue: spec?.target?.worker?.taskQueue ?? '',
    description: textOf(spec?.description),
  }
}

/** Other people's descriptions may be anything; what is no text is none of ours. */
function textOf(payload: NonNullable<OnWire['spec']>['description']): string {
  if (!payload?.data) return ''
  try {
    const text: unknown = defaultPayloadConverter.fromPayload(payload)
    return typeof text === 'string' ? text : ''
  } catch {
    return ''
  }
}
