import { callService, namespaceOf } from '@opsconductor/contracts'

/** What Temporal shall hold, or holds, for one project connector. */
export interface EndpointSpec {
  name: string
  namespace: string
  taskQueue: string
  description: string
}

const prefix = 'oc-'
const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const ownName = new RegExp(`^${prefix}(${uuid})$`)
const ownMark = new RegExp(`\\[opsconductor (${uuid})\\]$`)

export const endpointNameOf = (connectorId: string): string => prefix + connectorId

export const planFor = (
  connector: { id: string; targetProjectId: string; taskQueue?: string | null | undefined },
  installation: string,
): EndpointSpec => ({
  name: endpointNameOf(connector.id),
  namespace: namespaceOf(connector.targetProjectId),
  taskQueue: connector.taskQueue ?? callService.taskQueue,
  description: `A project connector of OpsConductor, which undoes changes made here. [opsconductor ${installation}]`,
})

export const fits = (held: EndpointSpec | undefined, wanted: EndpointSpec): boolean =>
  held !== undefined &&
  (['name', 'namespace', 'taskQueue', 'description'] as const).every((field) => held[field] === wanted[field])

/** The connector that an endpoint's name says it is for, whoever made it. */
export const connectorIdOf = (endpoint: EndpointSpec): string | undefined => ownName.exec(endpoint.name)?.[1]

/** Whether this platform made the endpoint: another one may keep its own on the same Temporal server. */
export const isOurs = (endpoint: EndpointSpec, installation: string): boolean =>
  connectorIdOf(endpoint) !== undefined && ownMark.exec(endpoint.description)?.[1] === installation
