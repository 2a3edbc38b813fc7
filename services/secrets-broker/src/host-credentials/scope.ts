import type { InternalActor } from '../internal-actor.ts'

/** Whose host credentials a request is about. */
export interface Scope {
  /** Null: the platform's own. */
  projectId: string | null
  /** The operator, where it names no project, may touch those of every project. */
  everyProject: boolean
}

export const scopeOf = ({ caller }: InternalActor, projectId: string | null | undefined): Scope => ({
  projectId: projectId ?? null,
  everyProject: projectId == null && caller === 'operator',
})
