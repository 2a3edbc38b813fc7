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
  runId?: string
  stepId?: string
}

/** The seed's columns need a host and a purpose, also for what has none. */
export const unknownHost = 'unknown'
export const unknownPurpose = 'unknown'
/** The purpose under which uses of a project's credentials are logged; their name stands for the host. */
export const credentialPurpose = 'credential'
