import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { root } from '../local/layout.ts'
import { installPackages } from './apt-packages.ts'

const sources = ['src/dl.cpp', 'src/common.cpp', 'src/main.cpp']

/**
 * Makes sure that the native half of pkcs11js is there: an HSM needs it and nothing else does, so the install does not
 * compile it. It is N-API, so one binary serves every Node; it is kept in `cacheDirectory` for the next clone. Answers
 * undefined, or what is missing.
 */
export function ensurePkcs11Binding(cacheDirectory: string, say: (line: string) => void): string | undefined {
  const directory = findPackage()
  if (directory === undefined) return 'graphene-pk11 is not installed: run npm run setup'
  const target = join(directory, 'build/Release/pkcs11.node')
  if (existsSync(target)) return undefined
  const cached = join(
    cacheDirectory,
    `pkcs11-${sourceHash(directory)}-${process.platform}-${process.arch}.node`,
  )
  if (!existsSync(cached)) {
    const missing = compile(directory, cached, say)
    if (missing !== undefined) return missing
  }
  mkdirSync(dirname(target), { recursive: true })
  copyInto(cached, target)
  return undefined
}

function findPackage(): string | undefined {
  try {
    const graphene = createRequire(`${root}packages/crypto/package.json`).resolve('graphene-pk11')
    return dirname(createRequire(graphene).resolve('pkcs11js/package.json'))
  } catch {
    return undefined
  }
}

// The compiler itself instead of node-gyp: three files and no library, so neither Python nor a download is needed.
function compile(directory: string, target: string, say: (line: string) => void): string | undefined {
  if (spawnSync('g++', ['--version']).status !== 0) {
    const missing = installPackages(['g++'], say)
    if (missing !== undefined) return `the PKCS#11 binding needs a C++ compiler: ${missing}`
  }
  const headers = join(dirname(realpathSync(process.execPath)), '../include/node')
  if (!existsSync(join(headers, 'node_api.h')))
    return `the PKCS#11 binding needs Node's headers, and ${headers} has none`
  say('compiling the PKCS#11 binding …')
  const scratch = mkdtempSync(join(dirname(target), 'compile-'))
  try {
    const built = join(scratch, 'pkcs11.node')
    const undefinedSymbols = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : ['-ldl']
    const { status, stderr } = spawnSync(
      'g++',
      [
        ...['-O2', '-fPIC', '-shared', '-std=c++17', '-pthread'],
        ...['-DNODE_GYP_MODULE_NAME=pkcs11', '-DBUILDING_NODE_EXTENSION', '-DNAPI_DISABLE_CPP_EXCEPTIONS'],
        ...[`-I${headers}`, '-Iincludes', ...sources, '-o', built, ...undefinedSymbols],
      ],
      { cwd: directory, encoding: 'utf8' },
    )
    if (status !== 0) return `the PKCS#11 binding does not compile: ${stderr.trim().split('\n')[0]}`
    renameSync(built, target)
    return undefined
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

// Beside the target and then renamed: another process must never load half a file.
function copyInto(from: string, target: string): void {
  const part = `${target}.${process.pid}`
  copyFileSync(from, part)
  renameSync(part, target)
}

function sourceHash(directory: string): string {
  const hash = createHash('sha256').update(readFileSync(join(directory, 'package.json')))
  for (const file of readdirSync(join(directory, 'src')).sort())
    hash.update(readFileSync(join(directory, 'src', file)))
  return hash.digest('hex').slice(0, 16)
}
