import { AppError } from '@opsconductor/errors'
import type { ArtefactReference, NewArtefact } from '../artefacts/step-artefacts.ts'
import { isDeeperThan } from '../json-limits.ts'
import { resultBytesMax, tooLargeResult } from './result-limits.ts'

const resultDepthMax = 100

/** The result as the run holds it: itself, or, where it is too large, the artefact that it became. */
export async function toStepResult(
  output: unknown,
  stepId: string,
  write: (artefact: NewArtefact) => Promise<ArtefactReference>,
  bytesMax = resultBytesMax,
): Promise<unknown> {
  if (isDeeperThan(output, resultDepthMax))
    throw new AppError('target_answer_too_large', `The result nests deeper than ${resultDepthMax}.`)
  const bytes = Buffer.from(JSON.stringify(output))
  if (bytes.length <= bytesMax) return output
  const { id, name, sha256 } = await write({
    name: `${stepId}.json`,
    contentType: 'application/json',
    content: ReadableStream.from([bytes]),
  })
  return tooLargeResult({ id, name, bytes: bytes.length, sha256 })
}
