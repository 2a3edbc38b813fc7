import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { trackedFiles } from './tracked-files.ts'

const linesMax = 400

/** TypeScript files that have outgrown one thought. */
export function findOversizedFiles(root: string): string[] {
  return trackedFiles(root)
    .filter((file) => /\.(ts|mts|mjs)$/.test(file) && existsSync(join(root, file)))
    .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines > linesMax)
    .map(({ file, lines }) => `${file}: ${lines} lines, ${linesMax} at most`)
}
