import { watch } from 'node:fs'
import { join } from 'node:path'
import { root } from './layout.ts'
import type { Child } from './supervisor.ts'

const settleMs = 200

/** Restarts a service when its files change, and every process when a package that they share does. */
export function restartOnChange(children: readonly Child[], say: (part: string, line: string) => void): void {
  const changed = new Set<Child>()
  let timer: NodeJS.Timeout | undefined
  const mark = (affected: readonly Child[]) => {
    for (const child of affected) changed.add(child)
    clearTimeout(timer)
    timer = setTimeout(() => {
      for (const child of changed) {
        say(child.name, 'changed; restarting')
        child.restart()
      }
      changed.clear()
    }, settleMs)
  }
  const follow = (directory: string, affected: readonly Child[]) =>
    watch(join(root, directory), { recursive: true }, (_event, file) => {
      if (file !== null && /\.(ts|sql|json|prisma)$/.test(file) && !/\.test\.ts$|node_modules/.test(file))
        mark(affected)
    })
  for (const child of children) {
    if (child.name === 'gateway') follow('kong/dev-gateway/src', [child])
    else if (child.name === 'demo-status') follow('infra/demo', [child])
    else follow(`services/${child.name}/src`, [child])
  }
  follow('packages', children)
}
