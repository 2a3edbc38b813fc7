import type { UseCredential } from '@opsconductor/contracts'
import type { InternalActor } from '../internal-actor.ts'

/** One operation on a credential, as the access log keeps it. Holds no secret. */
export interface Access {
  /** The host, or the name of a credential of a project. */
  host: string
  purpose: string
  type: 'read' | 'create' | 'update' | 'delete'
  /** A service, `operator`, a user or an API key; undefined where nobody proved who they are. */
  by: string | undefined
  /** The peer's address. */
  from: string
  /** Why it failed; undefined where it did not. */
  error?: string
  credentialId?: number
  credentialUuid?: string
  projectId?: string
  runId?: string | undefined
  stepId?: string | undefined
  /** Why, where it was no step of a run. */
  reason?: string
  /** Of whom a project trusts: no credential. */
  isTrust?: true
}

/** The reading of a secret that is asked for: of what, is added as it becomes known. */
export const readAccess = (
  { caller, clientAddress }: InternalActor,
  { project_id: projectId, run_id: runId, step_id: stepId }: UseCredential,
) => ({ type: 'read', by: caller, from: clientAddress, projectId, runId, stepId }) as const

/** The seed's columns need a host and a purpose, also for what has none. */
export const unknownHost = 'unknown'
export const unknownPurpose = 'unknown'
/** The purpose under which uses of a project's credentials are logged; their name stands for the host. */
export const credentialPurpose = 'credential'
/** The purpose under which uses of connectors are logged; the connector's name stands for the host. */
export const connectorPurpose = 'connector'
/** What is done to the keys has the keyring for its host. */
export const keyringHost = 'keyring'
/** The purpose under which other services' encrypted columns are logged; their table stands for the host. */
export const sealedPurpose = 'sealed'
