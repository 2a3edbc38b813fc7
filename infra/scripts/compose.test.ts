import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { basePorts } from '../local/layout.ts'
import { serviceSpecs } from '../local/services.ts'

const root = new URL('../../', import.meta.url)
const read = (file: string) => readFileSync(new URL(file, root), 'utf8')
const composeText = read('docker-compose.yml')
const exampleNames = [...read('.env.example').matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name as string)

test('every variable that docker-compose.yml takes is explained in .env.example', () => {
  const taken = [...composeText.matchAll(/\$\{([A-Z_]+)/g)]
    .map(([, name]) => name as string)
    .filter((name) => name !== 'POSTGRES_USER')
  expect(taken.filter((name) => !exampleNames.includes(name))).toEqual([])
})

test('docker-compose.yml publishes nothing but the gateway, and its plain port on loopback only', () => {
  const { services } = parse(composeText, { merge: true }) as {
    services: Record<string, { ports?: string[]; profiles?: string[] }>
  }
  const published = Object.entries(services).flatMap(([name, { ports = [], profiles }]) =>
    // Engines of tests, which run only where they are asked for.
    ports
      .filter((port) => profiles === undefined || !port.startsWith('127.0.0.1:'))
      .map((port) => [name, port]),
  )
  expect(published).toEqual([
    ['kong', `127.0.0.1:\${GATEWAY_PORT:-8000}:8000`],
    ['kong', `\${GATEWAY_TLS_PORT:-8443}:8443`],
  ])
})

test('004.13 docker-compose.yml runs every service of the platform from the one image, at the ports of its own defaults', () => {
  const { services } = parse(composeText, { merge: true }) as {
    services: Record<
      string,
      { image?: string; command?: string[]; environment?: Record<string, string | number> }
    >
  }
  for (const { name, publicPort, internalPort } of serviceSpecs) {
    const { image, command = [], environment = {} } = services[name] ?? {}
    expect([name, image, command.at(-1)]).toEqual([
      name,
      expect.stringMatching(/^opsconductor\/service:/),
      `services/${name}/src/main.ts`,
    ])
    expect([environment.PUBLIC_PORT, environment.INTERNAL_PORT]).toEqual([
      basePorts[publicPort],
      basePorts[internalPort],
    ])
  }
})

const docker = spawnSync('docker', ['compose', 'version'])
const composeTest = docker.status === 0 ? test : test.skip

composeTest('docker compose config accepts docker-compose.yml', () => {
  const values = Object.fromEntries(exampleNames.map((name) => [name, 'x'.repeat(24)]))
  const { status, stderr } = spawnSync('docker', ['compose', 'config', '--quiet'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...values, GATEWAY_PORT: '8000', GATEWAY_TLS_PORT: '8443', LOG_LEVEL: 'info' },
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})
