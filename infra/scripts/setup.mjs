// Runs on any Node >= 18: installs the workspace (with its own Node 24) and generates the Prisma clients, then does
// nothing until an input changes.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const bin = join(root, 'node_modules/.bin')
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const bytesNeeded = 1_500_000_000

function fail(line) {
  process.stderr.write(`setup: ${line}\n`)
  process.exit(1)
}

const hashOf = (files) =>
  files
    .reduce((hash, file) => hash.update(file).update(readFileSync(join(root, file))), createHash('sha256'))
    .digest('hex')

async function step(name, inputs, isDone, run) {
  const stamp = join(root, 'node_modules', `.stamp-${name}`)
  const wanted = hashOf(inputs)
  if (isDone() && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  const startedAt = Date.now()
  console.log(`setup: ${name} …`)
  await run()
  writeFileSync(stamp, wanted)
  console.log(`setup: ${name} done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`)
}

function install() {
  const free = statfsSync(root)
  if (free.bavail * free.bsize < bytesNeeded)
    fail(`not enough disk space under ${root}: ${(bytesNeeded / 1e9).toFixed(1)} GB are needed to install`)
  const npx = process.platform === 'win32' ? 'npx.cmd' : 'npx'
  const arguments_ = [
    '-y',
    packageManager,
    'install',
    '--frozen-lockfile',
    '--prefer-offline',
    '--reporter=append-only',
  ]
  const { status, error } = spawnSync(npx, arguments_, { cwd: root, stdio: 'inherit' })
  if (error) fail(`npx could not be run (${error.code}): install npm`)
  if (status !== 0) fail('the packages could not be installed; the lines above say why')
  linkNode()
}

/** Where no Node 24 comes from the registry for this platform, the Node that runs this must be one. */
function linkNode() {
  const link = join(bin, 'node')
  if (existsSync(link)) return
  const major = Number(process.versions.node.split('.')[0])
  if (major < 24)
    fail(`there is no Node 24 package for ${process.platform}-${process.arch}: install Node 24 or newer`)
  if (!lstatSync(link, { throwIfNoEntry: false })) symlinkSync(process.execPath, link)
}

const schemas = readdirSync(join(root, 'services'))
  .map((service) => `services/${service}/prisma/schema.prisma`)
  .filter((file) => existsSync(join(root, file)))

async function generateClients() {
  const generate = (schema) =>
    new Promise((resolve) => {
      const child = spawn(join(bin, 'prisma'), ['generate', '--no-hints', '--schema', schema], {
        cwd: root,
        env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
        stdio: ['ignore', 'ignore', 'inherit'],
      })
      child.once('exit', resolve)
    })
  const codes = await Promise.all(schemas.map(generate))
  if (codes.some((code) => code !== 0)) fail('the Prisma clients could not be generated')
}

const manifests = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json']
await step('install', manifests, () => existsSync(join(bin, 'node')), install)
await step(
  'prisma',
  [...schemas, 'prisma.config.ts', 'pnpm-lock.yaml'],
  () => schemas.every((schema) => existsSync(join(root, schema, '../../src/generated/client.ts'))),
  generateClients,
)
