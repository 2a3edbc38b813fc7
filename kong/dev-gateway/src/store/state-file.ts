import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { kindByName, kindNames } from '../entities/kinds.ts'
import type { Snapshot } from './store.ts'

/** Reads what an earlier run left; undefined when there is none. Throws one clear line when it is damaged. */
export function readState(file: string): Snapshot | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Error(`GATEWAY_STATE_FILE ${file} cannot be read: ${(error as Error).message}`)
  }
  try {
    const state = JSON.parse(text) as Record<string, Record<string, unknown>[] | undefined>
    const read = kindNames.map((kind) => {
      const stored = state[kind] ?? []
      return [kind, stored.map((entity) => kindByName[kind].schemaFor(entity).parse(entity))]
    })
    return Object.fromEntries(read) as Snapshot
  } catch {
    throw new Error(`GATEWAY_STATE_FILE ${file} is damaged: move it away to start empty`)
  }
}

/**
 * A reader never sees half a file: the new one is renamed over the old. Mode 0600, since routes tell
 * how to get in. Synchronous, so that writes never overtake each other.
 */
export function writeState(file: string, snapshot: Snapshot): void {
  const temporary = `${file}.${process.pid}.tmp`
  try {
    writeFileSync(temporary, JSON.stringify(snapshot), { mode: 0o600 })
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}
