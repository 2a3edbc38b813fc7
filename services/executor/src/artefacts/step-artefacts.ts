/** An artefact as steps name it in their results; wire form, because results are. */
export interface ArtefactReference {
  id: string
  name: string
  content_type: string
  bytes: number
  /** Of what is stored, in hex. */
  sha256: string
  /** True where a lent secret stood in the content and was taken out; then `sha256` is not the source's. */
  redacted: boolean
}

export interface NewArtefact {
  name: string
  contentType: string
  content: AsyncIterable<Uint8Array>
}

/** Files of a run, as its steps write and read them. */
export interface StepArtefacts {
  /**
   * Keeps the content, read as it comes; whatever was lent to the step is taken out of it. Nobody sees the artefact
   * before it is whole. Throws `target_answer_too_large`, what `content` throws, or the step's signal's reason.
   */
  write(artefact: NewArtefact): Promise<ArtefactReference>
  /** An artefact of any run of the project. Throws `step_failed` where there is none. */
  read(id: string): Promise<ArtefactReference & { content: AsyncIterable<Uint8Array> }>
}
