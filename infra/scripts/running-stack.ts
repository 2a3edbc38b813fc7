import { existsSync, readFileSync } from 'node:fs'
import { createLayout } from '../local/layout.ts'

interface StackFile {
  gateway_url: string
  internal_key: string
  database_url: string
  services: Record<string, { internal_url: string }>
}

/** What `npm start` wrote of the stack that runs now; undefined where none does. */
export function readStackFile(environment: NodeJS.ProcessEnv): StackFile | undefined {
  const { stackFile } = createLayout(environment)
  return existsSync(stackFile) ? (JSON.parse(readFileSync(stackFile, 'utf8')) as StackFile) : undefined
}
