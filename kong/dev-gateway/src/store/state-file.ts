import { readFileSync } from 'node:fs'
import { open, rename, unlink } from 'node:fs/promises'
import { kindByName, kindNames } from '../entities/kinds.ts'
import type { Snapshot } from './store.ts'

/** Reads what an earlier run left; undefined when there is none. Throws one clear line when it is damaged. */
export function readState(file: string): Partial<Snapshot> | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Error(`GATEWAY_STATE_FILE ${file} cannot be read: ${(error as Error).message}`)
  }
  try {
    const state = JSON.parse(text) as Record<string, unknown>
    return Object.fromEntries(
      kindNames.map((kind) => {
        const stored = (state[kind] ?? []) as Record<string, unknown>[]
        return [kind, stored.map((entity) => kindByName[kind].schemaFor(entity).parse(entity))]
      }),
    ) as Partial<Snapshot>
  } catch {
    throw new Error(`GATEWAY_STATE_FILE ${file} is damaged: move it away to start empty`)
  }
}

/**
 * Writes the newest snapshot; callers that arrive during a write share the next one. A reader never
 * sees half a file: the new one is renamed over the old. Mode 0600, since routes tell how to get in.
 */
export function createStateWriter(file: string, snapshot: () => Snapshot): () => Promise<void> {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined

  const write = async () => {
    const temporary = `${file}.${process.pid}.tmp`
    try {
      const handle = await open(temporary, 'w', 0o600)
      try {
        await handle.writeFile(JSON.stringify(snapshot()))
      } finally {
        await handle.close()
      }
      await rename(temporary, file)
    } catch (error) {
      await unlink(temporary).catch(() => undefined)
      throw error
    }
  }
  const start = () => {
    running = write().finally(() => {
      running = undefined
    })
    return running
  }
  return () => {
    if (!running) return start()
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined
        return start()
      })
    return next
  }
}
