import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** The executor as a process of its own, as `npm start` runs it. */
export async function startChildExecutor(environment: Record<string, string>) {
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', PUBLIC_PORT: '0', INTERNAL_PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // A test that fails must not leave its service behind.
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  const output: string[] = []
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString()))
  const urls = await new Promise<{ public_url: string; internal_url: string }>((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output.push(chunk.toString())
      text += chunk.toString()
      const line = text.split('\n').find((one) => one.includes('"msg":"listening"'))
      if (line !== undefined) resolve(JSON.parse(line))
    })
    child.once('exit', (code) => reject(new Error(`the executor ended with ${code}: ${output.join('')}`)))
  })
  return {
    pid: child.pid as number,
    publicUrl: urls.public_url,
    internalUrl: urls.internal_url,
    output: () => output.join(''),
    end: (signal: NodeJS.Signals) => endChild(child, signal),
  }
}

async function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
  return child.exitCode
}
