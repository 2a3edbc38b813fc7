import { Id } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { Redactor } from '@opsconductor/redact'
import type { StepArtefacts } from './step-artefacts.ts'
import type { ArtefactOwner, ArtefactStore } from './store.ts'
import { type ArtefactLimits, writeArtefact } from './write-artefact.ts'

export interface ArtefactDeps {
  store: ArtefactStore
  limits: ArtefactLimits
}

/** A step's own view of artefacts: it writes as itself, free of what was lent to it, and reads its project's. */
export function createStepArtefacts(
  deps: ArtefactDeps,
  owner: ArtefactOwner,
  redactor: Pick<Redactor, 'redact' | 'stream'>,
  signal: AbortSignal,
): StepArtefacts {
  return {
    write: (artefact) =>
      writeArtefact(
        deps,
        owner,
        { ...artefact, name: redactor.redact(artefact.name) },
        redactor.stream(),
        signal,
      ),
    async read(id) {
      const found = Id.safeParse(id).success ? await deps.store.find(owner.projectId, id) : undefined
      if (found === undefined)
        throw new AppError('step_failed', 'The project has no artefact with the id that the step names.')
      const { name, content_type, bytes, sha256, redacted } = found
      return { id, name, content_type, bytes, sha256, redacted, content: deps.store.contentOf(id) }
    },
  }
}
