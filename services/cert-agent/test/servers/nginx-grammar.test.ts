import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ConfigFault, parseConfig } from '../../src/nginx/parse-config.ts'

/** In `types` any words are a directive, so that nothing but the grammar is judged. */
const wrap = (fragment: string) =>
  `error_log stderr; events { } http { types_hash_bucket_size 8192; types_hash_max_size 8192; types {\n${fragment}\n} }`

function askNginx(directory: string, config: string) {
  const file = join(directory, 'nginx.conf')
  writeFileSync(file, config)
  const { status, stderr } = spawnSync('/usr/sbin/nginx', ['-t', '-p', directory, '-c', file], {
    encoding: 'utf8',
  })
  return { takesIt: status === 0, complaint: /unexpected.*|.*is not terminated by/.exec(stderr)?.[0] }
}

const complaintOfOurs = (config: string): string | undefined => {
  try {
    const [, , http] = parseConfig(config)
    const types = http?.block?.find(({ name }) => name === 'types')
    return types?.block?.some(({ block }) => block !== undefined) ? 'a block in types' : undefined
  } catch (error) {
    if (error instanceof ConfigFault) return error.message
    throw error
  }
}

test('004.09 NGINX itself finds the same words, quotes and ends as the check of templates does', () => {
  const piece = fc.constantFrom(
    ...[
      'a',
      'b',
      ' ',
      ' ',
      ';',
      ';',
      '"',
      "'",
      '\\',
      '$',
      '{',
      '}',
      '#',
      '\n',
      '\t',
      '\r',
      ')',
      '"x"',
      "'y'",
      '${',
    ],
  )
  const fragment = fc.array(piece, { minLength: 3, maxLength: 12 }).map((parts) => `k ${parts.join('')} v;`)
  const directory = mkdtempSync(join(tmpdir(), 'grammar-'))
  try {
    const fragments = fc.sample(fragment, { numRuns: 120, seed: 9773 })
    const judged = fragments.map((text) => ({
      ...{ text, ours: complaintOfOurs(wrap(text)) },
      ...askNginx(directory, wrap(text)),
    }))
    const [taken, refused] = [
      judged.filter(({ ours }) => ours === undefined),
      judged.filter(({ ours }) => ours !== undefined),
    ]
    expect(taken.filter(({ complaint }) => complaint !== undefined)).toEqual([])
    expect(refused.filter(({ takesIt }) => takesIt)).toEqual([])
    const isTaken = taken.filter(({ takesIt }) => takesIt)
    expect([isTaken.length > 20, refused.length > 20]).toEqual([true, true])
  } finally {
    rmSync(directory, { recursive: true })
  }
})
