import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** Waits until a server says on stderr that it is ready; throws what it said where it ends before. */
export async function untilSays(child: ChildProcess, name: string, ready: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const heard: string[] = []
    createInterface({ input: child.stderr as Readable }).on('line', (line) => {
      heard.push(line)
      if (line.includes(ready)) resolve()
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}: ${heard.join('\n')}`)))
  })
}
