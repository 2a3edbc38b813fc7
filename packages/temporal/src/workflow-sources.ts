import { createHash } from 'node:crypto'
import { readFile, realpath } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'

/** `import type` and `export type` leave nothing in a bundle. */
const importPattern = /(?:^|\n)\s*(?:import|export)\s(?!type\s)(?:[^'"`;]*?\sfrom\s*)?['"]([^'"\n]+)['"]/g

/**
 * A hash over everything a workflow bundle is made of: the sources that `entry` reaches, and for packages from the
 * registry where they are installed, which names their versions.
 */
export async function hashWorkflowSources(entry: string): Promise<string> {
  const hash = createHash('sha256')
  const waiting = [await realpath(entry)]
  const seen = new Set(waiting)
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    hash.update(file).update('\0')
    if (file.includes('/node_modules/')) continue
    const source = await readFile(file, 'utf8')
    hash.update(source).update('\0')
    for (const [, specifier] of source.matchAll(importPattern)) {
      const next = await locate(specifier as string, file)
      if (seen.has(next)) continue
      seen.add(next)
      waiting.push(next)
    }
  }
  return hash.digest('hex')
}

function locate(specifier: string, from: string): Promise<string> {
  return realpath(
    specifier.startsWith('.') ? resolve(dirname(from), specifier) : createRequire(from).resolve(specifier),
  )
}
