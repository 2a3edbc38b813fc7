import type { ConnectorKind } from '@opsconductor/contracts'
import { database } from './database.ts'
import { datasource } from './datasource.ts'
import type { AnyConnectorKind } from './define-connector-kind.ts'
import { externalAgent } from './external-agent.ts'
import { httpApi } from './http-api.ts'
import { llm } from './llm.ts'
import { snmpDevice } from './snmp-device.ts'
import { sshHost } from './ssh-host.ts'
import { tool } from './tool.ts'

export type { AnyConnectorKind } from './define-connector-kind.ts'
export { refuseInput } from './refuse-input.ts'

/** A new kind is one file, its test and one line here. */
const connectorKindList: readonly AnyConnectorKind[] = [
  database,
  datasource,
  externalAgent,
  httpApi,
  llm,
  snmpDevice,
  sshHost,
  tool,
]

export const connectorKindDefinitions: ReadonlyMap<ConnectorKind, AnyConnectorKind> = new Map(
  connectorKindList.map((kind) => [kind.kind, kind]),
)
