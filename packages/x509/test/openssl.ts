import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keyToPem } from '../src/to-pem.ts'
import type { Identity } from './make-certificate.ts'

/**
 * Runs the openssl program in a new directory with `files`; gives what it wrote to the file `out`, or printed. Throws where
 * it fails.
 */
export function openssl(args: string[], files: Record<string, string | Buffer> = {}): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'x509-'))
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content)
    const printed = execFileSync('openssl', args, {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 20_000,
    })
    return args.includes('out') ? readFileSync(join(directory, 'out')) : printed
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** A bundle of the identity as openssl writes it, with the passphrase `passphrase` unless `args` say another. */
export const opensslPkcs12 = (identity: Identity, args: string[] = [], chain: Identity[] = []): Buffer =>
  openssl(
    [
      'pkcs12',
      '-export',
      '-inkey',
      'key',
      '-in',
      'certificate',
      ...(chain.length === 0 ? [] : ['-certfile', 'chain']),
      '-out',
      'out',
      '-passout',
      'pass:passphrase',
      ...args,
    ],
    {
      key: keyToPem(identity.key),
      certificate: identity.certificate.x509.toString(),
      chain: chain.map(({ certificate }) => certificate.x509.toString()).join(''),
    },
  )
