/** Keeps the first bytes of an output and counts the others. */
export function collectOutput(bytesMax: number) {
  const chunks: Buffer[] = []
  let kept = 0
  let seen = 0
  return {
    /** How many bytes there were so far. */
    add(chunk: Buffer): number {
      seen += chunk.length
      if (kept < bytesMax && chunk.length > 0) {
        // A copy: a slice would hold on to all of what ssh2 received with it.
        const part = Buffer.from(chunk.subarray(0, bytesMax - kept))
        chunks.push(part)
        kept += part.length
      }
      return seen
    },
    bytes: (): Buffer => Buffer.concat(chunks),
    isTruncated: (): boolean => seen > kept,
  }
}
