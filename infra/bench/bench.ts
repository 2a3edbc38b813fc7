/** `npm run bench`: the platform's speed as ratios against the bare thing, on this machine in this run. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { pebbleIsMissing } from '@opsconductor/test-peers'
import { type Demo, setUpDemo } from '../demo/set-up-demo.ts'
import { cacheDirectory, createLayout } from '../local/layout.ts'
import { residentBytesOf } from '../local/process-identity.ts'
import { type Stack, startStack } from '../local/stack.ts'
import { installPackages } from '../scripts/apt-packages.ts'
import { preparePebble } from '../scripts/pebble-up.ts'
import { preparePrograms } from '../scripts/programs-up.ts'
import { benchCertificates } from './certificates.ts'
import { benchCertificateFleet } from './certificates-fleet.ts'
import { legoIsMissing } from './certificates-lego.ts'
import { benchNamespaces } from './namespaces.ts'
import { benchProjectCall } from './project-call.ts'
import { benchPublicCall } from './public-call.ts'
import { benchRotation } from './rotation.ts'
import { benchSecretsLookup } from './secrets-lookup.ts'
import { benchSnmpWalk } from './snmp-walk.ts'
import { benchSqlRows } from './sql-rows.ts'
import { benchSshCommands } from './ssh-commands.ts'
import { benchBareStart } from './start-time.ts'
import type { Latencies } from './statistics.ts'
import { benchSteps } from './steps.ts'
import { benchWarmKey } from './warm-key.ts'

const portOffset = '22000'
const rotationRows = 100_000
const home = mkdtempSync('/tmp/opsconductor-bench-home-')
chmodSync(home, 0o711)
const environment = { ...process.env, OPSCONDUCTOR_HOME: home, OPSCONDUCTOR_PORT_OFFSET: portOffset }
const layout = createLayout(environment)
let stopParts = async () => {}
const say = () => {}

async function start(): Promise<{ stack: Stack; seconds: number }> {
  const startedAt = performance.now()
  const stack = await startStack(layout, environment, say, (stop) => {
    stopParts = stop
  })
  return { stack, seconds: (performance.now() - startedAt) / 1000 }
}

const milliseconds = (value: number) => `${value.toFixed(1)} ms`
const line = (name: string, { p50, p99, perSecond }: Latencies) =>
  console.log(
    `  ${name.padEnd(34)} p50 ${milliseconds(p50).padStart(9)}   p99 ${milliseconds(p99).padStart(9)}   ${perSecond.toFixed(1).padStart(6)}/s`,
  )
function ratio(name: string, value: number, bound: number): void {
  console.log(`  ${value <= bound ? '✓' : '✗'} ${name}: ${value.toFixed(2)} (at most ${bound})`)
}

function ratioAtLeast(name: string, value: number, bound: number): void {
  console.log(`  ${value >= bound ? '✓' : '✗'} ${name}: ${value.toFixed(2)} (at least ${bound})`)
}
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`

async function printSecretsLookup({ children, keys, backing, layout }: Stack): Promise<void> {
  const {
    broker,
    bare,
    ratio: share,
    brokerBytes,
  } = await benchSecretsLookup({
    brokerUrl: `http://127.0.0.1:${layout.ports.secretsBrokerInternal}`,
    brokerPid: children.find(({ name }) => name === 'secrets-broker')?.pid() ?? 0,
    internalKey: keys.internalKey,
    databaseUrl: backing.databaseUrl,
  })
  console.log('\nSecret lookups with their durable audit row, 16 connections, beside a bare express route')
  line('bare SELECT and INSERT', bare)
  line('lookup', broker)
  ratioAtLeast('lookups per second', share, 0.8)
  ratio('p99 to p50', broker.p99 / broker.p50, 3)
  ratio('broker afterwards, of 200 MB', brokerBytes / 200e6, 1)
}

async function printProjectCall(stack: Stack, demo: Demo): Promise<void> {
  const { call, bare } = await benchProjectCall(stack, demo)
  console.log(
    "\nA call of another project's workflow beside a bare Nexus operation that makes the same update",
  )
  line('bare workflow', bare)
  line('job with one project.call', call)
  ratio('p50', call.p50 / bare.p50, 1.5)
}

async function printSteps(stack: Stack, demo: Demo): Promise<void> {
  const { many, three, threeLocal } = await benchSteps(stack, demo)
  console.log('\nJobs beside bare workflows whose activities send the same requests')
  line('500 activities', many.bare)
  line('500 http.get steps', many.job)
  ratio('500 steps', many.job.p50 / many.bare.p50, 1.25)
  line('3 activities', three.bare)
  line('3 http.get steps', three.job)
  ratio('3 steps, p50', three.job.p50 / three.bare.p50, 1.2)
  line('3 local activities', threeLocal.bare)
  line('3 short http.get steps', threeLocal.job)
  ratio('3 short steps, p50', threeLocal.job.p50 / threeLocal.bare.p50, 1.2)
}

async function printTargets(databaseUrl: string): Promise<void> {
  preparePrograms(console.log)
  const ssh = await benchSshCommands()
  console.log('\n20 commands over a connection that is open')
  line('OpenSSH, ControlMaster', ssh.openSsh)
  line('ssh.exec', ssh.ours)
  ratio('a command, p50', ssh.ours.p50 / ssh.openSsh.p50, 0.5)

  const snmp = await benchSnmpWalk()
  console.log('\nWalk of 100,000 rows')
  line('snmpbulkwalk', snmp.bulkwalk)
  line('snmp.walk', snmp.ours)
  ratio('walk, p50', snmp.ours.p50 / snmp.bulkwalk.p50, 1.5)

  const sql = await benchSqlRows(databaseUrl)
  console.log('\nQuery of 100,000 rows')
  line('pg', sql.bare)
  line('sql.query', sql.ours)
  ratio('query, p50', sql.ours.p50 / sql.bare.p50, 1.3)
  console.log(`  a million rows into an artefact: grown by ${megabytes(sql.grownBytes)} at the most`)
  ratio('growth, of 150 MB', sql.grownBytes / 150e6, 1)
}

async function printNamespaces(stack: Stack): Promise<void> {
  const { projects, active, bytesBefore, bytesAsleep, bytesActive, idleShare } = await benchNamespaces(stack)
  const grown = bytesActive - bytesBefore
  console.log(`\nExecutor with ${projects} more projects, of which ${active} run jobs`)
  console.log(`  all asleep: ${megabytes(bytesAsleep - bytesBefore)} more than without them`)
  console.log(`  ${active} active: ${megabytes(grown)} more, ${megabytes(grown / active)} for each`)
  console.log(`  doing nothing: ${(idleShare * 100).toFixed(1)} % of a core`)
  ratio('growth, of 500 MB', grown / 500e6, 1)
}

async function printCertificates(stack: Stack): Promise<void> {
  Object.assign(process.env, preparePebble(cacheDirectory(process.env), console.log))
  if (pebbleIsMissing()) return
  const stopped = legoIsMissing() ? installPackages(['lego'], console.log) : undefined
  const { count, ourSeconds, bareSeconds, legoSeconds, firstMs, againMs } = await benchCertificates(stack)
  console.log(
    `\n${count} certificates issued and deployed, 5 at once, beside lego with a script that deploys by ssh`,
  )
  const lego =
    legoSeconds === undefined ? `lego is left out (${stopped})` : `lego ${legoSeconds.toFixed(1)} s`
  console.log(
    `  ${lego}; acme-client and ssh2 alone ${bareSeconds.toFixed(1)} s; through the platform ${ourSeconds.toFixed(1)} s`,
  )
  ratio('issue and deploy', ourSeconds / (legoSeconds ?? bareSeconds), 1.2)
  if (legoSeconds !== undefined)
    console.log(`    to acme-client and ssh2: ${(ourSeconds / bareSeconds).toFixed(2)}`)
  console.log(`  a deployment ${milliseconds(firstMs)}; once more ${milliseconds(againMs)}`)
  ratio('deploying again', againMs / firstMs, 0.3)
}

async function printFleet(stack: Stack, servers = 50, certificates = 200): Promise<void> {
  const deployments = servers * certificates
  console.log(
    `\n${certificates} certificates to each of ${servers} servers in one batch: ${deployments} deployments; then once more`,
  )
  for await (const batch of benchCertificateFleet(stack, { servers, certificates })) {
    const { seconds, retried, peakBytes, handshakes, failedHandshakes } = batch
    console.log(`  all live in ${seconds.toFixed(1)} s, ${(deployments / seconds).toFixed(1)} a second`)
    console.log(
      `  ${retried} certificates needed a second attempt; cert-agent at the most ${megabytes(peakBytes)}`,
    )
    console.log(
      `  ${failedHandshakes === 0 ? '✓' : '✗'} ${failedHandshakes} of ${handshakes} handshakes failed`,
    )
  }
}

function printMemory(stack: Stack): void {
  console.log('\nMemory at rest')
  let total = 0
  for (const { name, pid } of stack.children) {
    const bytes = residentBytesOf(pid() ?? 0) ?? 0
    const isOurs = name !== 'postgres' && name !== 'temporal'
    if (isOurs) total += bytes
    console.log(
      `  ${name.padEnd(34)} ${(bytes / 1e6).toFixed(0).padStart(5)} MB${isOurs ? '' : '   (not counted)'}`,
    )
  }
  ratio('all our processes, of 1.2 GB', total / 1.2e9, 1)
}

async function benchAll(): Promise<void> {
  const cold = await start()
  await setUpDemo(cold.stack, say)
  await stopParts()
  const bareSeconds = await benchBareStart(
    layout,
    cold.stack.keys.postgresPassword,
    cold.stack.children.length,
  )
  const { stack, seconds } = await start()
  const demo = await setUpDemo(stack, say)
  await delay(3_000)
  printMemory(stack)

  console.log('\nStart on warm caches')
  console.log(
    `  every part ready ${seconds.toFixed(2)} s; empty processes, PostgreSQL and Temporal ${bareSeconds.toFixed(2)} s`,
  )
  ratio('start', seconds / bareSeconds, 1.5)

  const { call, bare, callAtOnce, bareAtOnce } = await benchPublicCall(stack, demo)
  console.log('\nPublic call through the gateway (2 steps) beside a bare workflow with as many activities')
  line('bare workflow, one at a time', bare)
  line('public call, one at a time', call)
  line('bare workflow, 8 at once', bareAtOnce)
  line('public call, 8 at once', callAtOnce)
  ratio('p50, one at a time', call.p50 / bare.p50, 1.5)

  await printSteps(stack, demo)
  await printProjectCall(stack, demo)
  await printSecretsLookup(stack)

  const warmKeyMs = await benchWarmKey()
  console.log(`\nVerifying a warm key takes ${(warmKeyMs * 1000).toFixed(1)} µs`)
  ratio('registry call with it, to one without', call.p50 / (call.p50 - warmKeyMs), 1.05)

  const rotation = await benchRotation({
    brokerUrl: `http://127.0.0.1:${layout.ports.secretsBrokerInternal}`,
    brokerPid: stack.children.find(({ name }) => name === 'secrets-broker')?.pid() ?? 0,
    internalKey: stack.keys.internalKey,
    secretsKmsKey: stack.keys.secretsKmsKey,
    databaseUrl: stack.backing.databaseUrl,
    rows: rotationRows,
  })
  console.log(
    `\nRotation of the master key over ${rotation.rows} rows: ${rotation.brokerPerSecond.toFixed(0)} rows/s; a bare loop: ${rotation.barePerSecond.toFixed(0)} rows/s`,
  )
  ratioAtLeast('rotation', rotation.brokerPerSecond / rotation.barePerSecond, 0.5)
  console.log(
    `  resident before ${megabytes(rotation.bytesBefore)}, at the most ${megabytes(rotation.bytesMost)}`,
  )
  ratio('secrets broker while it rotates, of 200 MB', rotation.bytesMost / 200e6, 1)

  await printTargets(stack.backing.databaseUrl)
  await printCertificates(stack)
  await printNamespaces(stack)
}

/** `npm run bench -- fleet [servers [certificates]]`: the one that takes long. */
const [only, ...sizes] = process.argv.slice(2)
try {
  if (only === 'fleet') await printFleet((await start()).stack, ...sizes.map(Number))
  else await benchAll()
} finally {
  await stopParts()
  rmSync(home, { recursive: true, force: true })
}
process.exit(0)
