/** Larger results become artefacts: what stands in a history is loaded at every replay. */
export const resultBytesMax = 256 * 1024

export interface TooLargeResult {
  artefact: { id: string; name: string; bytes: number; sha256: string }
  /** Says to people and to templates that this is not the result itself. */
  too_large: true
}

export const tooLargeResult = (artefact: TooLargeResult['artefact']): TooLargeResult => ({
  artefact,
  too_large: true,
})
