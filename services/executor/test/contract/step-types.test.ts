import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { stepTypes } from '../../src/step-types/index.ts'
import { createGrantsPeer } from '../project-calls/grants-peer.ts'
import { createJob, type ExecutorUnderTest, startExecutor } from '../support/executor.ts'
import { startBastion } from './bastion.ts'
import { casesOf, untried } from './cases.ts'
import { families } from './families.ts'
import type { Family, PlayedFamily } from './family.ts'
import { keepMatrix, keptMatrix, matrixTable, type Proven } from './matrix.ts'
import { startOtherProject } from './peers-project.ts'
import { prepareTarget, runCases } from './run-cases.ts'

let executor: ExecutorUnderTest
let bastion: Awaited<ReturnType<typeof startBastion>>
let otherProject: Awaited<ReturnType<typeof startOtherProject>>
const played = new Map<Family, PlayedFamily>()
const proven: Proven[] = []
const sqliteDirectory = mkdtempSync(join(tmpdir(), 'contract-sqlite-'))

beforeAll(async () => {
  const loopback = async () => [{ address: '127.0.0.1', family: 4 }]
  const grants = await createGrantsPeer()
  const [started] = await Promise.all([
    startExecutor({
      resolve: loopback,
      environment: { SQLITE_DIRECTORY: sqliteDirectory },
      registryRoutes: grants.routes,
    }),
    ...families.map(async (family) => played.set(family, await family.start())),
  ])
  executor = started
  bastion = await startBastion()
  otherProject = await startOtherProject(executor, grants)
  const peers = [...played.values()]
  await executor.open(bastion.port, ...peers.flatMap(({ ports }) => ports))
  await bastion.join(executor)
  for (const { caBundle, hostKeys = [], jobs = [] } of peers) {
    for (const job of jobs) await createJob(executor, job)
    if (caBundle !== undefined) executor.broker.caBundles.push(caBundle)
    executor.broker.hostKeys.push(...hostKeys)
  }
  for (const { targets } of peers) for (const target of targets) await prepareTarget(executor, target)
}, 120_000)
afterAll(async () => {
  await otherProject?.stop()
  await executor?.stop()
  rmSync(sqliteDirectory, { recursive: true })
  await Promise.all([bastion?.stop(), ...[...played.values()].map((peers) => peers.stop())])
})

test.each([...stepTypes.keys()])(
  '000.42 every example of %s runs on a real peer, with every type of credential that it takes',
  async (type) => {
    const stepType = stepTypes.get(type) as NonNullable<ReturnType<typeof stepTypes.get>>
    const family = families.find(({ plays }) => plays(type))
    const peers = family && played.get(family)
    expect([type, peers]).toEqual([type, expect.anything()])
    if (family === undefined || peers === undefined) return
    const notHere = (family.notHere ?? []).filter((row) => row.type === type)
    const cases = casesOf(stepType, peers.targets)
    expect(
      untried(
        stepType,
        cases,
        notHere.map(({ auth }) => auth.replaceAll('`', '')),
      ),
    ).toEqual([])
    expect(await runCases(executor, cases, peers)).toEqual([])
    for (const { auth, target } of cases) proven.push({ type, auth: auth.name, target: target.name })
    proven.push(...notHere)
  },
  60_000,
)

test('every step type is counted and timed, by its type and how its attempts ended', async () => {
  const metrics = await (await fetch(`${executor.internalUrl}/metrics`)).text()
  for (const type of stepTypes.keys())
    for (const name of ['steps_total', 'step_duration_seconds_count'])
      expect(metrics).toMatch(new RegExp(`^${name}\\{type="${type}",outcome="succeeded"\\} [1-9]`, 'm'))
})

test('the matrix in the README is what was proven here: step types, logins and targets', () => {
  const table = matrixTable(proven)
  console.info(table)
  expect(new Set(proven.map(({ type }) => type))).toEqual(new Set(stepTypes.keys()))
  if ([...played.values()].some(({ isPartial }) => isPartial)) return
  // KEEP_MATRIX=1 npm test -- services/executor/test/contract
  if (process.env.KEEP_MATRIX === '1') keepMatrix(table)
  expect(keptMatrix()).toBe(table)
})
