import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isAlive, startTimeOf } from './process-identity.ts'
import { StackFault } from './stack-fault.ts'

interface Recorded {
  pid: number
  startTime: string | undefined
}

const recordFile = (runDirectory: string, name: string) => join(runDirectory, `${name}.json`)

/** Remembers a process that is ours, so that a later start can tell it from another with the same pid. */
export function recordProcess(runDirectory: string, name: string, pid: number): void {
  const recorded: Recorded = { pid, startTime: startTimeOf(pid) }
  writeFileSync(recordFile(runDirectory, name), JSON.stringify(recorded), { mode: 0o600 })
}

export function forgetProcess(runDirectory: string, name: string): void {
  rmSync(recordFile(runDirectory, name), { force: true })
}

function stillRunning(runDirectory: string, name: string): number | undefined {
  try {
    const { pid, startTime } = JSON.parse(readFileSync(recordFile(runDirectory, name), 'utf8')) as Recorded
    return isAlive(pid) && startTimeOf(pid) === startTime ? pid : undefined
  } catch {
    return undefined
  }
}

const supervisor = 'supervisor'

/** Claims the home for this process; another live one is a fault. */
export function claimHome(runDirectory: string): void {
  const other = stillRunning(runDirectory, supervisor)
  if (other !== undefined && other !== process.pid)
    throw new StackFault(
      `a stack is running from this home already (pid ${other}); stop it, or give this one its own OPSCONDUCTOR_HOME and OPSCONDUCTOR_PORT_OFFSET`,
    )
  recordProcess(runDirectory, supervisor, process.pid)
}

export const releaseHome = (runDirectory: string): void => forgetProcess(runDirectory, supervisor)

/**
 * Ends what a killed supervisor left running, gently first. PostgreSQL and Temporal are started again from their data,
 * so nothing is lost. Answers the names ended.
 */
export async function endOrphans(runDirectory: string, graceMs = 15_000): Promise<string[]> {
  const ended: string[] = []
  const orphans = readdirSync(runDirectory)
    .map((file) => file.replace(/\.json$/, ''))
    .filter((name) => name !== supervisor)
  await Promise.all(
    orphans.map(async (name) => {
      const pid = stillRunning(runDirectory, name)
      if (pid !== undefined) {
        ended.push(name)
        await endProcess(pid, name === 'postgres' ? 'SIGINT' : 'SIGTERM', graceMs)
      }
      forgetProcess(runDirectory, name)
    }),
  )
  return ended
}

/** Sends the signal, waits for the end, and kills what outlasts the grace. */
export async function endProcess(pid: number, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  const kill = (s: NodeJS.Signals) => {
    try {
      process.kill(pid, s)
    } catch {
      // gone already
    }
  }
  kill(signal)
  for (const until = Date.now() + graceMs; isAlive(pid) && Date.now() < until; ) await delay(20)
  if (isAlive(pid)) kill('SIGKILL')
}
