/** `npm start`: the whole platform on this machine, proven by one call of the demo job through the gateway. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { callDemo, setUpDemo } from '../demo/set-up-demo.ts'
import { createLayout } from './layout.ts'
import { restartOnChange } from './restart-on-change.ts'
import { type Stack, startStack } from './stack.ts'
import { StackFault } from './stack-fault.ts'
import { describeStack, summaryTable } from './stack-file.ts'

const startedAt = performance.now()
const { values: options } = parseArgs({
  options: { once: { type: 'boolean', default: false }, watch: { type: 'boolean', default: false } },
})
const say = (part: string, line: string) => console.log(`${part.padEnd(19)} ${line}`)

let stack: Stack | undefined
let stopParts: (() => Promise<void>) | undefined
let stopping: Promise<void> | undefined

function stop(): Promise<void> {
  stopping ??= (async () => {
    if (stopParts === undefined) return
    if (stack !== undefined) rmSync(stack.layout.stackFile, { force: true })
    await stopParts()
    if (stack !== undefined) say('stack', 'stopped')
  })()
  return stopping
}

async function main(): Promise<void> {
  const layout = createLayout(process.env)
  stack = await startStack(layout, process.env, say, (stopStarted) => {
    stopParts = stopStarted
  })
  const demo = await setUpDemo(stack, say)
  const answer = await callDemo(demo)
  writeFileSync(layout.stackFile, `${JSON.stringify(describeStack(stack, demo), null, 2)}\n`, { mode: 0o600 })
  say('demo', `POST ${demo.publicUrl} answered:`)
  console.log(JSON.stringify(answer, null, 2))
  console.log(summaryTable(stack, demo, (performance.now() - startedAt) / 1000))
}

function onSignal(signal: NodeJS.Signals): void {
  if (stopping !== undefined) return
  say('stack', `${signal}: stopping`)
  void stop().then(() => process.exit(0), fail)
}

function fail(error: unknown): void {
  const line = error instanceof StackFault ? error.message : diskFull(error) ? 'the disk is full' : undefined
  process.stderr.write(
    line === undefined ? `npm start failed: ${(error as Error).stack}\n` : `npm start: ${line}\n`,
  )
  void stop().finally(() => process.exit(1))
}

const diskFull = (error: unknown) => (error as { code?: string }).code === 'ENOSPC'

process.on('SIGINT', onSignal)
process.on('SIGTERM', onSignal)
process.on('SIGHUP', onSignal)
try {
  await main()
  if (options.once) {
    await stop()
    process.exit(0)
  }
  if (options.watch && stack !== undefined) restartOnChange(stack.children, say)
  say('stack', `runs until Ctrl-C; logs are in ${join((stack as Stack).layout.home, 'logs')}`)
} catch (error) {
  fail(error)
}
