import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'

interface Step {
  id?: string
  name?: string
  uses?: string
  env?: Record<string, string>
  run?: string
}

export interface Ran {
  name: string
  code: number | null
  output: string
}

/**
 * Runs the shell steps of the one job of a GitHub workflow file as its runner would: bash, in `directory`, with what
 * earlier steps wrote to GITHUB_OUTPUT. Ends after the first that fails. `environment` stands for the job's own.
 */
export async function runWorkflowSteps(
  file: string,
  directory: string,
  environment: Record<string, string>,
): Promise<Ran[]> {
  const { jobs } = parse(readFileSync(file, 'utf8')) as { jobs: Record<string, { steps: Step[] }> }
  const scratch = mkdtempSync(join(tmpdir(), 'workflow-'))
  const outputs: Record<string, string> = {}
  const fill = (text: string) =>
    text.replace(/\$\{\{ steps\.(\w+\.)outputs\.(\w+) \}\}/g, (_, id, name) => outputs[id + name] ?? '')
  const ran: Ran[] = []
  try {
    for (const { id, name = '', env = {}, run } of Object.values(jobs).flatMap(({ steps }) => steps)) {
      if (run === undefined) continue
      const output = join(scratch, 'output')
      writeFileSync(output, '')
      const own = Object.fromEntries(Object.entries(env).map(([key, text]) => [key, fill(text)]))
      const step = await runShell(run, directory, { ...environment, ...own, GITHUB_OUTPUT: output })
      ran.push({ name, ...step })
      if (step.code !== 0) break
      for (const [, key, value] of readFileSync(output, 'utf8').matchAll(/^(\w+)=(.*)$/gm))
        outputs[`${id}.${key}`] = value as string
    }
    return ran
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function runShell(script: string, cwd: string, environment: Record<string, string>) {
  return new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], {
      cwd,
      env: { PATH: process.env.PATH ?? '', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 120_000,
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
      })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}
