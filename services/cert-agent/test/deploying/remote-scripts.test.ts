import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { settleScript, swapScript, takeBackScript } from '../../src/deploying/remote-scripts.ts'

// The scripts as the server's shell runs them, which may be killed before each of their commands.

const commands = [
  ...['basename', 'cat', 'chmod', 'chown', 'cp', 'dirname', 'flock', 'install', 'ln', 'ls', 'mkdir', 'mv'],
  ...['readlink', 'rm', 'sort', 'tail'],
]
interface Disturbance {
  /** The script is killed at its command with the number, `rm` in its middle. */
  KILL_AT?: number
  /** The command waits until the file `go` is there. */
  WAIT_AT?: string
  /** The command fails. */
  FAIL_AT?: string
}

const shim = (program: string) => `#!/bin/sh
n=$(($(/bin/cat "$STATE/count") + 1))
echo "$n" >"$STATE/count"
[ "\${0##*/}" != "$FAIL_AT" ] || exit 1
if [ "$n" = "$KILL_AT" ]; then
  case "\${0##*/} $1" in 'rm -rf') shift; /usr/bin/find "$@" -name '*.was' -delete 2>/dev/null ;; esac
  kill -KILL 0
fi
if [ "\${0##*/}" = "$WAIT_AT" ]; then : >"$STATE/waits"; while [ ! -e "$STATE/go" ]; do /bin/sleep 0.01; done; fi
exec ${program} "$@"
`
let programs: string
beforeAll(() => {
  programs = mkdtempSync(join(tmpdir(), 'programs-'))
  for (const name of commands) {
    const program = ['/usr/bin', '/bin'].map((folder) => `${folder}/${name}`).find((path) => existsSync(path))
    if (program === undefined) throw new Error(`There is no ${name}.`)
    writeFileSync(join(programs, name), shim(program), { mode: 0o755 })
  }
})
afterAll(() => rmSync(programs, { recursive: true }))

const states: string[] = []
afterEach(() => {
  for (const state of states.splice(0)) rmSync(state, { recursive: true })
})

/** A certificate whose version 1 is live, with one configuration file that there is, and one that there is not yet. */
function makeServer() {
  const state = mkdtempSync(join(tmpdir(), 'scripts-'))
  states.push(state)
  const [folder, sites] = [join(state, 'folder'), join(state, 'sites')]
  for (const path of [folder, sites, `${folder}/versions`, `${folder}/versions/1`, `${folder}/versions/2`])
    mkdirSync(path)
  symlinkSync('versions/1', `${folder}/live`)
  for (const name of ['a', 'b']) writeFileSync(`${folder}/versions/2/${name}.conf`, `new ${name}`)
  writeFileSync(join(sites, 'a'), 'old a')
  const swapWords = (seen = readlinkSync(`${folder}/live`)) => [
    ...['2', seen, '2', 'a.conf', join(sites, 'a'), 'b.conf', join(sites, 'b'), 'true'],
  ]
  const start = (script: string, words: string[], at: Disturbance = {}) => {
    writeFileSync(join(state, 'count'), '0\n')
    return {
      argv: ['-c', script, 'sh', folder, ...words],
      options: {
        env: {
          PATH: `${programs}:/usr/bin:/bin`,
          STATE: state,
          KILL_AT: String(at.KILL_AT),
          ...{ WAIT_AT: at.WAIT_AT, FAIL_AT: at.FAIL_AT },
        },
      },
    }
  }
  /** Whether it came to its end. */
  const run = async (script: string, words: string[] = [], at: Disturbance = {}): Promise<boolean> => {
    const { argv, options } = start(script, words, at)
    // In a process group of its own, which is what is killed.
    await once(spawn('sh', argv, { ...options, detached: true }), 'exit')
    return Number(readFileSync(join(state, 'count'), 'utf8')) !== at.KILL_AT
  }
  const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)
  return {
    state,
    start,
    swap: (at?: Disturbance, seen?: string) => run(swapScript, swapWords(seen), at),
    takeBack: (at?: Disturbance) => run(takeBackScript, [], at),
    settle: (at?: Disturbance) => run(settleScript, ['3'], at),
    swapWords,
    seen: () => ({
      live: readlinkSync(`${folder}/live`),
      ...{
        a: read(join(sites, 'a')),
        b: read(join(sites, 'b')),
        sites: readdirSync(sites, { encoding: 'utf8' }),
      },
    }),
  }
}

const before = { live: 'versions/1', a: 'old a', b: undefined, sites: ['a'] }
const after = { live: 'versions/2', a: 'new a', b: 'new b', sites: ['a', 'b'] }

/** With every number of a command at which a script can be killed. */
async function eachDeath(
  runs: (at: number, server: ReturnType<typeof makeServer>) => Promise<boolean>,
): Promise<number> {
  for (let at = 1; ; at++) if (await runs(at, makeServer())) return at - 1
}

test('a swap that is killed anywhere can be taken back, and gone on with', async () => {
  const deaths = await eachDeath(async (at, server) => {
    const ended = await server.swap({ KILL_AT: at })
    if (at % 2 === 0) {
      await server.swap()
      expect([at, server.seen()]).toEqual([at, after])
    }
    await server.takeBack()
    expect([at, server.seen()]).toEqual([at, before])
    return ended
  })
  expect(deaths).toBeGreaterThan(15)
})

test('a way back that is killed anywhere is gone on with', async () => {
  const deaths = await eachDeath(async (at, server) => {
    await server.swap()
    const ended = await server.takeBack({ KILL_AT: at })
    await server.takeBack()
    expect([at, server.seen()]).toEqual([at, before])
    return ended
  })
  expect(deaths).toBeGreaterThan(5)
})

test('a swap that comes too late, when another version was put in place, changes nothing', async () => {
  const server = makeServer()
  await server.swap()
  await server.settle()
  await server.swap({}, 'versions/1')
  expect(server.seen()).toEqual(after)
  expect(existsSync(join(server.state, 'folder', 'undo'))).toBe(false)
})

test('a disk without room for a copy does not stop the way back', async () => {
  const server = makeServer()
  await server.swap()
  await server.takeBack({ FAIL_AT: 'cp' })
  expect(server.seen()).toEqual(before)
})

test('what was proven is not taken back by whoever follows one that was killed while it tidied up', async () => {
  await eachDeath(async (at, server) => {
    await server.swap()
    const ended = await server.settle({ KILL_AT: at })
    await server.settle()
    await server.takeBack()
    expect([at, server.seen()]).toEqual([at, after])
    return ended
  })
  await eachDeath(async (at, server) => {
    await server.swap()
    const ended = await server.settle({ KILL_AT: at })
    await server.takeBack()
    const { a, b } = server.seen()
    expect([at, ['old a', 'new a']]).toEqual([at, expect.arrayContaining([a])])
    expect([at, a === 'old a' ? undefined : 'new b']).toEqual([at, b])
    return ended
  })
})

test('a swap that goes on after its connection broke is waited for, and then taken back', async () => {
  const server = makeServer()
  const { argv, options } = server.start(swapScript, server.swapWords(), { WAIT_AT: 'install' })
  const swapping = spawn('sh', argv, options)
  while (!existsSync(join(server.state, 'waits'))) await delay(10)
  const back = server.start(takeBackScript, [])
  const takingBack = spawn('sh', back.argv, back.options)
  const over = once(takingBack, 'exit')
  expect(await Promise.race([over, delay(300, 'waits')])).toBe('waits')
  writeFileSync(join(server.state, 'go'), '')
  expect(await once(swapping, 'exit')).toEqual([0, null])
  expect(await over).toEqual([0, null])
  expect(server.seen()).toEqual(before)
})
