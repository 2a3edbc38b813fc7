import { CancellationScope, sleep } from '@temporalio/workflow'

/**
 * What local activities answer goes to the server in one message, when the workflow has nothing left to do; the server
 * takes 4 MB at once. So only so much of them runs between two rounds through the server.
 */
export interface LocalRoom {
  /** Runs a local activity that answers at most so much; makes a round first where there is no room. */
  run<T>(bytesMax: number, work: () => Promise<T>): Promise<T>
  /** The same, for what can as well be run by the server: undefined where there is no room. */
  tryRun<T>(bytesMax: number, work: () => Promise<T>): Promise<T> | undefined
  /** Something came back from the server, which has taken what there was before. */
  emptied(): void
}

const roomBytes = 2_500_000

export function createLocalRoom(): LocalRoom {
  let answered = 0
  let reserved = 0
  const hasRoom = (bytes: number) => answered + reserved + bytes <= roomBytes

  async function keep<T>(bytesMax: number, work: () => Promise<T>): Promise<T> {
    reserved += bytesMax
    try {
      const result = await work()
      answered += sizeOf(result)
      return result
    } finally {
      reserved -= bytesMax
    }
  }

  return {
    async run(bytesMax, work) {
      while (!hasRoom(bytesMax)) {
        await CancellationScope.nonCancellable(() => sleep(1))
        answered = 0
      }
      return await keep(bytesMax, work)
    },
    tryRun: (bytesMax, work) => (hasRoom(bytesMax) ? keep(bytesMax, work) : undefined),
    emptied() {
      answered = 0
    },
  }
}

/** Bytes of a value in a message, at most: characters beyond ASCII count as the most that they can be. */
export function sizeOf(value: unknown): number {
  const text = JSON.stringify(value) ?? ''
  let bytes = text.length + overheadBytes
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) bytes += 2
  return bytes
}

/** Of what stands around a value in a history: names, times, defaults. */
const overheadBytes = 1_000
