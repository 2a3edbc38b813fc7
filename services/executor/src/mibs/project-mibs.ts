import { setImmediate } from 'node:timers/promises'
import type { CachedLookup } from '@opsconductor/events'
import { baseModules } from './base-modules.ts'
import { linkModules } from './link-modules.ts'
import { MibFault } from './mib-fault.ts'
import type { MibTree } from './mib-tree.ts'
import { type MibModule, parseModule } from './parse-module.ts'
import type { MibStore } from './store.ts'

/** Parses texts one after the other and lets others work in between. */
export async function parseModules(texts: readonly { text: string }[]): Promise<MibModule[]> {
  const modules: MibModule[] = []
  for (const { text } of texts) {
    await setImmediate()
    try {
      modules.push(parseModule(text))
    } catch (error) {
      // It was taken once, by an older version of ours: what it says is lost, the others stand.
      if (!(error instanceof MibFault)) throw error
    }
  }
  return modules
}

let baseTree: MibTree | undefined

/** The names that a project's steps may use, remembered until its modules change. */
export function createProjectMibs({ store, lookup }: { store: MibStore; lookup: CachedLookup<MibTree> }) {
  return (projectId: string): Promise<MibTree> =>
    lookup.get(projectId, async () => {
      const own = await parseModules(await store.texts(projectId))
      if (own.length > 0) return linkModules([...baseModules(), ...own]).tree
      baseTree ??= linkModules(baseModules()).tree
      return baseTree
    })
}
