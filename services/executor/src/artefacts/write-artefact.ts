import { createHash, randomUUID } from 'node:crypto'
import { AppError } from '@opsconductor/errors'
import type { StreamRedactor } from '@opsconductor/redact'
import { toStorableText } from '../json-limits.ts'
import type { ArtefactReference, NewArtefact } from './step-artefacts.ts'
import type { ArtefactOwner, ArtefactStore } from './store.ts'

export interface ArtefactLimits {
  artefactBytesMax: number
  runBytesMax: number
}

const chunkBytes = 512 * 1024
const nameCharactersMax = 255
const contentTypePattern =
  /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:\s*;\s*[\w!#$&^.+-]+=(?:[\w!#$&^.+-]+|"[^"\\]*"))*$/

/**
 * Stores the content piece by piece; it is seen when it is whole, and gone when anything fails. Throws
 * `target_answer_too_large`, what `content` throws, or `signal`'s reason.
 */
export async function writeArtefact(
  { store, limits }: { store: ArtefactStore; limits: ArtefactLimits },
  owner: ArtefactOwner,
  { name, contentType, content }: NewArtefact,
  redactor: StreamRedactor,
  signal: AbortSignal,
): Promise<ArtefactReference> {
  signal.throwIfAborted()
  const id = randomUUID()
  await store.begin(id, owner, artefactName(name), checkedType(contentType))
  try {
    const writer = chunkWriter(store, limits, id)
    for await (const piece of untilAborted(content, signal)) await writer.add(redactor.push(piece))
    await writer.add(redactor.end())
    const {
      id: _,
      run_id,
      step_id,
      item,
      attempt,
      created_at,
      ...facts
    } = await store.complete(id, await writer.end(), redactor.found)
    return { id, ...facts }
  } catch (error) {
    // A row that stays is never seen, and swept later.
    await store.remove(id).catch(() => {})
    throw error
  }
}

function chunkWriter(store: ArtefactStore, limits: ArtefactLimits, id: string) {
  const hash = createHash('sha256')
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  let bytes = 0
  let position = 0
  const flush = async () => {
    if (waitingBytes === 0) return
    const chunk = Buffer.concat(waiting)
    waiting = []
    waitingBytes = 0
    for (let at = 0; at < chunk.length; at += chunkBytes) {
      const runBytes = await store.addChunk(id, position++, chunk.subarray(at, at + chunkBytes))
      if (runBytes > limits.runBytesMax) throw tooLarge("The run's artefacts are", limits.runBytesMax)
    }
  }
  return {
    async add(piece: Uint8Array): Promise<void> {
      bytes += piece.length
      if (bytes > limits.artefactBytesMax) throw tooLarge('The artefact is', limits.artefactBytesMax)
      hash.update(piece)
      waiting.push(piece)
      waitingBytes += piece.length
      if (waitingBytes >= chunkBytes) await flush()
    },
    /** The hash of all. */
    async end(): Promise<string> {
      await flush()
      return hash.digest('hex')
    },
  }
}

const tooLarge = (what: string, bytesMax: number) =>
  new AppError('target_answer_too_large', `${what} larger than ${bytesMax} bytes.`)

/** A source that hangs must not hold the step; one that is left early is told so. */
async function* untilAborted(
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const iterator = content[Symbol.asyncIterator]()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  aborted.catch(() => {})
  const stop = () => reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted])
      if (next.done) return
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', stop)
    // Not awaited: a generator that hangs in its `next` never answers.
    iterator.return?.().catch(() => {})
  }
}

/** A plain file name: what comes of a target's path or header must not mean anything to whoever saves it. */
export function artefactName(name: string): string {
  const plain = toStorableText(name)
    .split(/[/\\]/)
    .at(-1)
    ?.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}"*:<>?|]/gu, '_')
    .trim()
    .slice(0, nameCharactersMax)
    .toWellFormed()
  return plain === undefined || /^\.*$/.test(plain) ? 'artefact' : plain
}

const checkedType = (type: string): string =>
  type.length <= 255 && contentTypePattern.test(type) ? type.toLowerCase() : 'application/octet-stream'
