import * as nexus from 'nexus-rpc'

/** `input` is what the service interface takes; `grant` says that this call, with this input, may be made. */
export interface ProjectCall {
  grant: string
  input: unknown
}

/**
 * What every project serves for the others, over the Nexus endpoints of their project connectors. A workflow calls it
 * with a client of `createNexusServiceClient`; a worker serves it with a handler that checks the grant first
 * (`createGrantVerifier` of @opsconductor/auth). Safe to import in workflows.
 */
export const projectCalls = nexus.service('opsconductor.v1', {
  /** An update of a long-lived workflow answers its result; a run of a job its outcome, with the job's `output` in it. */
  call: nexus.operation<ProjectCall, unknown>(),
  /** Answers null once the signal was taken. */
  signal: nexus.operation<ProjectCall, unknown>(),
  query: nexus.operation<ProjectCall, unknown>(),
  /** Begins the workflow; its result is the operation's. */
  start: nexus.operation<ProjectCall, unknown>(),
  /** Says whether a call would come through, and does nothing. The grant may be for any operation. */
  ping: nexus.operation<ProjectCall, null>(),
})
