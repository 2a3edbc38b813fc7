import type { Family } from './family.ts'
import { flowFamily } from './peers-flow.ts'
import { httpFamily } from './peers-http.ts'
import { projectFamily } from './peers-project.ts'
import { snmpFamily } from './peers-snmp.ts'
import { sqlFamily } from './peers-sql.ts'
import { sshFamily } from './peers-ssh.ts'
import { tlsFamily } from './peers-tls.ts'
import { webhookFamily } from './peers-webhook.ts'

/** Whoever adds a family of step types adds its peers here. */
export const families: readonly Family[] = [
  flowFamily,
  httpFamily,
  projectFamily,
  snmpFamily,
  sqlFamily,
  sshFamily,
  tlsFamily,
  webhookFamily,
]
