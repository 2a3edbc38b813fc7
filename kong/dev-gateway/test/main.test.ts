import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from '@jest/globals'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
let folder: string
const running: ChildProcess[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dev-gateway-'))
})
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await rm(folder, { recursive: true })
})

function start(environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [main], {
    env: {
      GATEWAY_PORT: '0',
      GATEWAY_ADMIN_PORT: '0',
      GATEWAY_STATE_FILE: join(folder, 'state.json'),
      ...environment,
    },
  })
  running.push(child)
  return child
}

/** The addresses of the ready line. */
async function ready(child: ChildProcess): Promise<Record<string, string>> {
  if (!child.stdout) throw new Error('no stdout')
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  expect(line.toString()).toMatch(
    /^dev-gateway listening proxy=http:\/\/127\.0\.0\.1:\d+ admin=http:\/\/127\.0\.0\.1:\d+/,
  )
  return Object.fromEntries([...line.toString().matchAll(/(\w+)=(\S+)/g)].map(([, name, url]) => [name, url]))
}

async function failed(child: ChildProcess): Promise<{ code: number | null; said: string }> {
  if (!child.stderr) throw new Error('no stderr')
  const said = text(child.stderr)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, said: await said }
}

const putService = (admin: string | undefined, name: string, url: string) =>
  fetch(`${admin}/services/${name}`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ url }),
  })

test('it refuses to run in production with one line and exit code 1', async () => {
  const { code, said } = await failed(start({ NODE_ENV: 'production' }))
  expect(code).toBe(1)
  expect(said).toBe(
    'dev-gateway: NODE_ENV is production: the dev gateway is for development only, run Kong\n',
  )
})

for (const variable of ['GATEWAY_PORT', 'GATEWAY_ADMIN_PORT', 'GATEWAY_TLS_PORT']) {
  test(`a busy port is one line that names it and ${variable}, and exit code 1`, async () => {
    const busy = createServer().listen(0, '127.0.0.1')
    await once(busy, 'listening')
    const { port } = busy.address() as AddressInfo
    const { code, said } = await failed(start({ GATEWAY_TLS_DIR: folder, [variable]: String(port) }))
    busy.close()
    expect(code).toBe(1)
    expect(said).toBe(`dev-gateway: port ${port} on 127.0.0.1 is in use: set ${variable} to another one\n`)
  })
}

test('faults of the environment are told all at once, by the name of the variable', async () => {
  const { code, said } = await failed(start({ GATEWAY_PORT: '99999', GATEWAY_ADMIN_PORT: 'x' }))
  expect(code).toBe(1)
  expect(said).toMatch(/^dev-gateway: GATEWAY_PORT .*; GATEWAY_ADMIN_PORT .*\n$/)
})

test('TLS without a folder for its certificates is a clear line', async () => {
  const { code, said } = await failed(start({ GATEWAY_TLS_PORT: '1' }))
  expect([code, said]).toEqual([
    1,
    'dev-gateway: GATEWAY_TLS_DIR is not set: GATEWAY_TLS_PORT needs a folder for its certificates\n',
  ])
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} lets the request in flight end, takes no new one, and exits 0`, async () => {
    const arrived = Promise.withResolvers<() => void>()
    const upstream = createHttpServer((_request, response) => arrived.resolve(() => response.end('done')))
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
    const child = start()
    const { proxy, admin } = await ready(child)
    await putService(admin, 's', `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`)
    await fetch(`${admin}/services/s/routes`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"paths":["/s"]}',
    })
    const inFlight = fetch(`${proxy}/s`)
    const finish = await arrived.promise
    const exited = once(child, 'exit')
    child.kill(signal)
    let refused = false
    while (!refused)
      refused = await fetch(`${admin}/status`).then(
        () => false,
        () => true,
      )
    expect(child.exitCode).toBeNull()
    finish()
    expect(await (await inFlight).text()).toBe('done')
    expect(await exited).toEqual([0, null])
    upstream.closeAllConnections()
    upstream.close()
  })
}

test('after kill -9 in the middle of writes every answered one is there', async () => {
  const child = start()
  const { admin } = await ready(child)
  const answered: string[] = []
  const writes = Array.from({ length: 200 }, async (_, index) => {
    const name = `s${index}`
    const answer = await putService(admin, name, 'http://x.test').catch(() => undefined)
    if (answer?.status === 200) answered.push(name)
    if (answered.length === 50) child.kill('SIGKILL')
  })
  await Promise.all(writes)
  expect(answered.length).toBeGreaterThanOrEqual(50)
  const again = await ready(start())
  const { data } = (await (await fetch(`${again.admin}/services?size=1000`)).json()) as {
    data: { name: string }[]
  }
  const kept = new Set(data.map(({ name }) => name))
  expect(answered.filter((name) => !kept.has(name))).toEqual([])
})
