import { type Caller, callerLabel, projectOf } from '@opsconductor/auth'

/** Who does something to a project's credentials, as the access log names them, and from where. */
export interface ProjectActor {
  label: string
  projectId: string
  clientAddress: string
}

export const projectActor = (caller: Caller, clientAddress: string): ProjectActor => ({
  label: callerLabel(caller),
  projectId: projectOf(caller),
  clientAddress,
})
