import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createSshKey } from '@opsconductor/test-peers'
import { type AgentUnderTest, startAgent } from '../support/agent.ts'
import { addLogin, type Fleet, faultOf, startFleet, trust, watchServed } from './support.ts'

/** Hands on to the real command; where the account has a file `stall` it stops after some bytes, and says so. */
const stallingDd = `#!/bin/sh
if [ -e "$HOME/stall" ]; then head -c 20; touch "$HOME/stalls"; exec sleep 60; fi
exec /bin/dd "$@"
`
/** Takes sudo's options and runs the rest. */
const sudo = `#!/bin/sh
while [ "$1" != -- ]; do case $1 in -p | -u) shift 2 ;; *) shift ;; esac; done
shift
exec "$@"
`
/** Says that it did, and with which words; with a file `systemctl-fails` it does not. */
const systemctl = `#!/bin/sh
echo "$*" >>"$HOME/systemctl-words"
if [ -e "$HOME/systemctl-fails" ]; then echo 'Job for openresty.service failed.' >&2; exit 1; fi
exec kill -HUP "$(cat "$HOME"/nginx-*/nginx.pid)"
`

/** Only root may; CI is root. */
const mayMount = process.env.CI === 'true' || process.getuid?.() === 0

let agent: AgentUnderTest
let fleet: Fleet
/** A file system of a few pages. */
let small: string
beforeAll(async () => {
  agent = await startAgent({ isIdle: true })
  // Before the SSH server, which sees only what was mounted before it began.
  small = mkdtempSync(join(tmpdir(), 'small-'))
  if (mayMount) execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=0777', 'tmpfs', small])
  fleet = await startFleet(agent, { programs: { dd: stallingDd, sudo, systemctl } })
})
afterAll(async () => {
  await fleet?.close()
  await agent?.stop()
  if (mayMount) execFileSync('umount', [small])
  rmdirSync(small)
})

const countAudited = (serverId: string) => agent.deps.prisma.auditRow.count({ where: { serverId } })

test.each([
  ['as root by sudo', true],
  ['as the account', false],
])('004.SSH-2 %s, files arrive whole, with their owner and mode', async (_, sudo) => {
  const { username, password } = fleet.sshd
  // The account's group has its name only where the server has accounts of its own.
  const group = password === undefined ? null : username
  const certificates_directory = join(fleet.sshd.home, `keys-${sudo}`)
  const settings = { certificates_directory, owner: username, group, key_mode: '0640' }
  const site = await fleet.startSite(`sudo-${sudo}.example.test`, settings, { sudo })
  expect(await site.row()).toMatchObject({ state: 'live', liveVersion: 1 })
  const modeOf = (path: string) => statSync(path).mode & 0o777
  expect(modeOf(`${site.paths.folder}/live/privkey.pem`)).toBe(0o640)
  expect([certificates_directory, `${site.paths.folder}/live/`].map(modeOf)).toEqual([0o755, 0o755])
  expect(await site.deploy()).toEqual(['probing', 'live'])
  const rows = await agent.deps.prisma.auditRow.findMany({
    where: { serverId: site.serverId, action: 'ssh.command' },
  })
  expect(rows.every(({ detail }) => (detail as { sudo: boolean }).sudo === sudo)).toBe(true)
})

test('a connection that breaks in the middle of an upload leaves no half file, and the next attempt ends right', async () => {
  const name = 'upload.example.test'
  const site = await fleet.startSite(name, {}, { sudo: true })
  const old = await fleet.nginx.served(name)
  const stop = watchServed(fleet.nginx, name)
  const { serial } = await site.addVersion()
  const [stall, stalls] = [join(fleet.sshd.home, 'stall'), join(fleet.sshd.home, 'stalls')]
  const breaking = { onState: (state: string) => state === 'staging' && writeFileSync(stall, '') }
  const deploying = faultOf(site.deploy(breaking))
  while (!existsSync(stalls)) await delay(10)
  execFileSync('rm', [stall, stalls])
  fleet.sshd.breakConnections()
  expect(await deploying).toMatch(
    /^target_unreachable: Putting the files .* What is served was not touched\.$/,
  )
  expect(existsSync(`${site.paths.folder}/versions/2/fullchain.pem`)).toBe(false)
  await site.deploy()
  expect(readdirSync(`${site.paths.folder}/versions/2`, { recursive: true }).sort()).toEqual([
    'fullchain.pem',
    'privkey.pem',
  ])
  expect(await stop()).toEqual({ failures: 0, serials: [old, serial] })
})

;(mayMount ? test : test.skip)('a disk that is full ends it before anything is changed', async () => {
  const name = 'full.example.test'
  const site = await fleet.startSite(name, { certificates_directory: small })
  const old = await fleet.nginx.served(name)
  await site.addVersion()
  const filler = join(small, 'filler')
  expect(() => writeFileSync(filler, Buffer.alloc(100_000))).toThrow('ENOSPC')
  expect(await faultOf(site.deploy())).toMatch(/Putting the files .* What is served was not touched\.$/)
  await fleet.nginx.settled()
  expect(await fleet.nginx.served(name)).toBe(old)
  rmSync(filler)
  await site.deploy()
  expect(await site.row()).toMatchObject({ state: 'live', liveVersion: 2 })
})

test.each([
  ['systemctl-reload', 'reload openresty'],
  ['systemctl-restart', 'restart openresty'],
] as const)(
  '004.SSH-5 %s: the unit is told, and one that fails is told again with the old version',
  async (reload, told) => {
    const name = `${reload}.example.test`
    const words = join(fleet.sshd.home, 'systemctl-words')
    rmSync(words, { force: true })
    const site = await fleet.startSite(name, { reload, systemd_unit: 'openresty' })
    const said = () => readFileSync(words, 'utf8').trim().split('\n')
    expect(said()).toEqual([told])
    const old = await fleet.nginx.served(name)
    await site.addVersion()
    const failing = join(fleet.sshd.home, 'systemctl-fails')
    writeFileSync(failing, '')
    try {
      expect(await faultOf(site.deploy({ patienceMs: 300 }))).toMatch(
        /^target_refused: Reloading NGINX failed: NGINX could not be reloaded: Job for openresty\.service failed\..*version 1 is served/,
      )
    } finally {
      rmSync(failing)
    }
    expect(said()).toEqual([told, told, told])
    expect(await fleet.nginx.served(name)).toBe(old)
    await site.deploy()
    expect(await site.row()).toMatchObject({ state: 'live', liveVersion: 2 })
  },
)

test('004.08 a connection that breaks between two steps is made again', async () => {
  const site = await fleet.startSite('between.example.test')
  await site.addVersion()
  await site
    .deploy({ onState: (state) => state === 'staging' && fleet.sshd.breakConnections() })
    .catch(() => {})
  await site.deploy()
  expect(await site.row()).toMatchObject({ state: 'live', liveVersion: 2 })
})

test('004.08 a server that is away is asked three times, and no more', async () => {
  const { id: serverId } = await fleet.addServer({}, { port: 9 })
  agent.executor.open(9)
  const deployment = await fleet.addDeployment(serverId, ['away.example.test'])
  await deployment.addVersion()
  expect(await faultOf(deployment.deploy())).toMatch(/^target_unreachable: .*refused/)
  expect(await countAudited(serverId)).toBe(3)
  expect(await deployment.row()).toMatchObject({ state: 'failed', liveVersion: null })
})

test('004.SEC-2 a host key that nobody trusts ends it before anything is sent', async () => {
  const site = await fleet.startSite('stranger.example.test')
  await site.addVersion()
  const known = agent.broker.hostKeys.splice(0)
  agent.deps.trustLookup.clear()
  try {
    trust(agent, { ...fleet.sshd, hostKey: createSshKey() })
    expect(await faultOf(site.deploy())).toMatch(/^target_refused: THE HOST KEY OF .* HAS CHANGED/)
  } finally {
    agent.broker.hostKeys.splice(0, agent.broker.hostKeys.length, ...known)
    agent.deps.trustLookup.clear()
  }
  expect(readlinkSync(`${site.paths.folder}/live`)).toBe('versions/1')
  await site.deploy()
})

test('a login that is refused is not tried again', async () => {
  const wrong = addLogin(agent, { ...fleet.sshd, clientKey: createSshKey() })
  const { id: serverId } = await fleet.addServer({}, { credentialId: wrong.id })
  const deployment = await fleet.addDeployment(serverId, ['login.example.test'])
  await deployment.addVersion()
  expect(await faultOf(deployment.deploy())).toMatch(/^target_refused: The SSH server refused the login/)
  expect(await countAudited(serverId)).toBe(1)
})

test('a link inside the certificates directory that leads out of it is refused', async () => {
  const directory = fleet.makeFolder('certificates')
  const outside = fleet.makeFolder('outside')
  const { id: serverId } = await fleet.addServer({ certificates_directory: directory })
  const deployment = await fleet.addDeployment(serverId, ['link.example.test'])
  await deployment.addVersion()
  symlinkSync(outside, deployment.paths.folder)
  expect(await faultOf(deployment.deploy())).toMatch(
    /^target_refused: A symbolic link below .* leads out of it/,
  )
  expect(readdirSync(outside)).toEqual([])
})

test.each([
  ['a configuration file that is a link out of the roots', 'link.conf'],
  ['a configuration file outside the roots', '../outside.conf'],
])('%s is refused, and left as it is', async (_, file) => {
  const name = `${file.replaceAll(/[^a-z]/g, '')}.example.test`
  const root = fleet.makeFolder(`root-${name}`)
  const victim = join(fleet.sshd.home, 'victim')
  writeFileSync(victim, 'untouched')
  symlinkSync(victim, join(root, 'link.conf'))
  const { id: serverId } = await fleet.addServer({ config_directories: [root] })
  const template =
    'server { listen 443 ssl; server_name {{ server_names }}; ssl_certificate {{ certificate_path }}; ssl_certificate_key {{ key_path }}; }\n'
  const deployment = await fleet.addDeployment(serverId, [name], { configFile: join(root, file), template })
  await deployment.addVersion()
  expect(await faultOf(deployment.deploy())).toMatch(/^target_refused: The configuration file .* in none of/)
  expect(existsSync(join(fleet.sshd.home, 'outside.conf'))).toBe(false)
})

test('a template that closes its block and opens another is refused before the server is asked', async () => {
  const { id: serverId } = await fleet.addServer({ config_directories: [fleet.nginx.sites] })
  const template =
    'server { ssl_certificate {{ certificate_path }}; ssl_certificate_key {{ key_path }}; } } events { }\n'
  const deployment = await fleet.addDeployment(serverId, ['closing.example.test'], {
    configFile: fleet.nginx.siteFile('closing'),
    template,
  })
  await deployment.addVersion()
  expect(await faultOf(deployment.deploy())).toMatch(/^template_error/)
  expect(existsSync(fleet.nginx.siteFile('closing'))).toBe(false)
})

test('without a virtual host nobody could see what is served, so nothing is done', async () => {
  const { id: serverId } = await fleet.addServer()
  const deployment = await fleet.addDeployment(serverId, ['none.example.test'])
  await deployment.addVersion()
  await agent.deps.prisma.vhost.deleteMany({ where: { certificateId: deployment.certificateId } })
  expect(await faultOf(deployment.deploy())).toMatch(/^conflict: No virtual host of the server names/)
  expect(await countAudited(serverId)).toBe(0)
})
