import { joined, mark, type Span } from './spans.ts'

/** Takes secrets out of bytes that come piece by piece, wherever the borders of the pieces are. */
export interface StreamRedactor {
  /** What is sure to hold no beginning of a secret. */
  push(piece: Uint8Array): Buffer
  /** What is left. */
  end(): Buffer
  /** True once a secret was taken out. */
  readonly found: boolean
}

/** A needle is at most 64 bytes, and no encoding that is looked through makes more than 12 bytes of one, twice over. */
const heldBytes = 16 * 1024

export function createStreamRedactor(
  windowBytes: number,
  spansIn: (bytes: Buffer) => Span[],
  cutOut: (bytes: Buffer, spans: readonly Span[]) => Buffer,
): StreamRedactor {
  let waiting: Buffer[] = []
  let waitingBytes = 0
  /** How much of what waits belongs to a secret that began before it, and whose place is marked already. */
  let carried = 0
  let found = false

  function take(hold: number): Buffer {
    const bytes = Buffer.concat(waiting)
    const cut = Math.max(0, bytes.length - hold)
    const spans = joined(carried > 0 ? [[0, carried], ...spansIn(bytes)] : spansIn(bytes))
    const isMarked = carried > 0
    carried = Math.max(0, ...spans.map(([from, to]) => (from < cut ? to - cut : 0)))
    waiting = cut === bytes.length ? [] : [bytes.subarray(cut)]
    waitingBytes = bytes.length - cut
    const inside = spans.filter(([from]) => from < cut).map(([from, to]): Span => [from, Math.min(to, cut)])
    if (inside.length === 0) return bytes.subarray(0, cut)
    found = true
    const out = cutOut(bytes.subarray(0, cut), inside)
    return isMarked ? out.subarray(mark.length) : out
  }

  return {
    push(piece) {
      waiting.push(Buffer.from(piece))
      waitingBytes += piece.length
      return waitingBytes < windowBytes + heldBytes ? Buffer.alloc(0) : take(heldBytes)
    },
    end: () => take(0),
    get found() {
      return found
    },
  }
}
