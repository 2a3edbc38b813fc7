import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Proven {
  type: string
  auth: string
  target: string
  /** Why it could not be tried here. */
  why?: string
}

const readme = fileURLToPath(new URL('../../README.md', import.meta.url))
const marked = /(?<=<!-- matrix[^>]*-->\n)[\s\S]*?(?=<!-- \/matrix -->)/

/** A line for each target; step types with the same logins on it stand together. */
export function matrixTable(rows: readonly Proven[]): string {
  const lines = [...Map.groupBy(rows, ({ target }) => target)].flatMap(([target, onTarget]) => {
    const loginsOf = (type: string) =>
      [...new Set(onTarget.filter((row) => row.type === type).map(loginText))].sort().join(', ')
    const types = [...new Set(onTarget.map(({ type }) => type))].sort()
    return [...Map.groupBy(types, loginsOf)].map(
      ([logins, alike]) => `| ${alike.map((type) => `\`${type}\``).join(', ')} | ${logins} | ${target} |`,
    )
  })
  return `\n| step type | auth | target |\n| --- | --- | --- |\n${lines.sort().join('\n')}\n\n`
}

const loginText = ({ auth, why }: Proven): string => (why === undefined ? auth : `${auth} (not run: ${why})`)

export const keptMatrix = (): string | undefined => marked.exec(readFileSync(readme, 'utf8'))?.[0]

export function keepMatrix(table: string): void {
  writeFileSync(
    readme,
    readFileSync(readme, 'utf8').replace(marked, () => table),
  )
}
