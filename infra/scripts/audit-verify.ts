/**
 * Is the access log as it was written?
 *
 *   npm run audit:verify
 *   npm run audit:verify -- --expect-head 4711:9f86d0…      a head that was noted elsewhere
 *   npm run audit:verify -- --file log.jsonl                 an export
 *
 * Ends with code 0 where it is, 1 where it is not (and names the first broken row), 2 where that cannot be told.
 */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import type { ChainHead, StoredRow } from '../../services/secrets-broker/src/access-log/chain.ts'
import type { ExportHeader } from '../../services/secrets-broker/src/access-log/export-log.ts'
import { readRows, selectHead } from '../../services/secrets-broker/src/access-log/store.ts'
import {
  type BrokenChain,
  type IntactChain,
  verifyChain,
} from '../../services/secrets-broker/src/access-log/verify-chain.ts'
import { withLogDatabase, withSnapshot } from './log-database.ts'

const options = { file: { type: 'string' }, 'expect-head': { type: 'string' } } as const

try {
  process.exitCode = report(await main())
} catch (error) {
  console.error(`audit:verify: ${(error as Error).message}`)
  process.exitCode = 2
}

async function main(): Promise<IntactChain | BrokenChain> {
  const { values } = parseArgs({ options })
  const noted = parseHead(values['expect-head'])
  if (values.file !== undefined) return verifyFile(values.file, noted)
  return withLogDatabase(process.env, (pool) =>
    withSnapshot(pool, async (client) =>
      verifyChain(readRows(client), { head: await selectHead(client), noted }),
    ),
  )
}

function report(verdict: IntactChain | BrokenChain): number {
  if (verdict.intact) {
    console.log(`${verdict.rows} rows verified, head ${verdict.head.lastId}:${verdict.head.hash}`)
    return 0
  }
  console.log(`row ${verdict.id}: ${verdict.fault}: ${verdict.detail}`)
  return 1
}

function parseHead(text: string | undefined): ChainHead | undefined {
  if (text === undefined) return undefined
  const [, id, hash] = /^(\d+):([\da-f]{64})$/i.exec(text) ?? []
  if (id === undefined || hash === undefined)
    throw new Error('--expect-head must be a row and its hash, as <id>:<64 hex digits>')
  return { lastId: BigInt(id), hash: hash.toLowerCase() }
}

async function verifyFile(file: string, noted: ChainHead | undefined): Promise<IntactChain | BrokenChain> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })
  const iterator = lines[Symbol.asyncIterator]()
  const header = readHeader((await iterator.next()).value)
  const head = { lastId: BigInt(header.head.id), hash: header.head.chain_hash }
  return verifyChain(readLines({ [Symbol.asyncIterator]: () => iterator }), { head, noted })
}

function readHeader(line: string | undefined): ExportHeader {
  const header = parseObject(line) as Partial<ExportHeader> | undefined
  const { head } = header ?? {}
  if (header?.export !== 'secrets.credential_access_log' || !/^\d+$/.test(String(head?.id)))
    throw new Error('the file is no export of the access log: npm run audit:export makes one')
  if (header.verifiable !== true)
    throw new Error('the file holds only a part of the log, which cannot be verified by itself')
  return header as ExportHeader
}

async function* readLines(lines: AsyncIterable<string>): AsyncGenerator<StoredRow> {
  let number = 1
  for await (const line of lines) {
    number++
    const row = parseObject(line) as Partial<StoredRow> | undefined
    if (!/^-?\d+$/.test(String(row?.id)) || typeof row?.chain_hash !== 'string')
      throw new Error(`line ${number} of the file is no row of the access log`)
    yield row as StoredRow
  }
}

function parseObject(line: string | undefined): object | undefined {
  try {
    const value: unknown = JSON.parse(line ?? '')
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
