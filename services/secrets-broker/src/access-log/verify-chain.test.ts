import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Access } from './access.ts'
import { type ChainedRow, type ChainHead, chainStart, hashRow, rowAfter, type StoredRow } from './chain.ts'
import { verifyChain } from './verify-chain.ts'

function chainOf(accesses: readonly Access[]): { rows: ChainedRow[]; head: ChainHead } {
  let head = chainStart
  const rows = accesses.map((access) => {
    const row = rowAfter(head, access, new Date(1_700_000_000_000))
    head = { lastId: BigInt(row.id), hash: hashRow(head.hash, row) }
    return { ...row, chain_hash: head.hash }
  })
  return { rows, head }
}

async function* streamOf(rows: readonly StoredRow[]) {
  yield* rows
}

const verify = async (rows: readonly StoredRow[], head?: ChainHead, noted?: ChainHead) => {
  const verdict = await verifyChain(streamOf(rows), { head, noted })
  return verdict.intact ? 'intact' : `${verdict.id} ${verdict.fault}`
}

const access: fc.Arbitrary<Access> = fc.record({
  host: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
  purpose: fc.constantFrom('ssh', 'winrm'),
  type: fc.constantFrom('read', 'create', 'update', 'delete'),
  by: fc.constantFrom('operator', 'executor', undefined),
  from: fc.constantFrom('127.0.0.1', '::1', ''),
})
const chain = fc.array(access, { minLength: 4, maxLength: 12 }).map(chainOf)
const renumbered = (rows: readonly ChainedRow[]) => rows.map((row, i) => ({ ...row, id: String(i + 1) }))
const columns = Object.keys(
  rowAfter(chainStart, { host: 'h', purpose: 'p', type: 'read', by: 'x', from: '' }, new Date()),
)
  .concat('chain_hash')
  .filter((column) => column !== 'id') as (keyof ChainedRow)[]

test('000.46 a chain as it was written is intact, whatever it holds, and its head is the one that was kept', async () => {
  await fc.assert(
    fc.asyncProperty(chain, async ({ rows, head }) => {
      expect(await verifyChain(streamOf(rows), { head, noted: head })).toEqual({
        intact: true,
        rows: rows.length,
        head,
      })
    }),
    { numRuns: 30 },
  )
  expect(await verify([], chainStart)).toBe('intact')
})

test('000.46 any one change of any column is found, at the row where it was made', async () => {
  expect(columns.length).toBe(15)
  await fc.assert(
    fc.asyncProperty(chain, fc.nat(), fc.constantFrom(...columns), async ({ rows, head }, at, column) => {
      const i = at % rows.length
      const was = rows[i]?.[column]
      const value = column === 'chain_hash' ? 'ab'.repeat(32) : was === null ? 'x' : null
      expect(await verify(rows.with(i, { ...rows[i], [column]: value } as StoredRow), head)).toBe(
        `${i + 1} changed`,
      )
    }),
    { numRuns: 200 },
  )
})

test('000.46 a row taken out, cut off, swapped with another or put in between is found and called what it is', async () => {
  await fc.assert(
    fc.asyncProperty(chain, fc.nat(), fc.nat(), async ({ rows, head }, a, b) => {
      const inner = a % (rows.length - 2)
      const other = inner + 1 + (b % (rows.length - inner - 1))
      const without = rows.toSpliced(inner, 1)
      const swapped = renumbered(
        rows.with(inner, rows[other] as ChainedRow).with(other, rows[inner] as ChainedRow),
      )
      const withOneMore = renumbered(
        rows.toSpliced(inner, 0, { ...(rows[other] as ChainedRow), chain_hash: 'cd'.repeat(32) }),
      )
      const found = {
        takenOut: await verify(without, head),
        takenOutAndRenumbered: await verify(renumbered(without), { ...head, lastId: head.lastId - 1n }),
        cutOff: await verify(rows.slice(0, -1), head),
        swapped: await verify(swapped, head),
        linesSwapped: await verify(
          rows.with(inner, rows[other] as ChainedRow).with(other, rows[inner] as ChainedRow),
        ),
        inserted: await verify(withOneMore, { ...head, lastId: head.lastId + 1n }),
        appended: await verify([...rows, { ...(rows[0] as ChainedRow), id: String(rows.length + 1) }], head),
        before: await verify([{ ...(rows[0] as ChainedRow), id: '0' }, ...rows], head),
        head: await verify(rows, { ...head, hash: 'ab'.repeat(32) }),
      }
      expect(found).toEqual({
        takenOut: `${inner + 1} missing`,
        takenOutAndRenumbered: `${inner + 1} missing`,
        cutOff: `${rows.length} cut off`,
        swapped: `${inner + 1} re-ordered`,
        linesSwapped: `${inner + 1} re-ordered`,
        inserted: `${inner + 1} inserted`,
        appended: `${rows.length + 1} inserted`,
        before: '0 inserted',
        head: `${rows.length} head changed`,
      })
    }),
    { numRuns: 100 },
  )
})

test('000.46 a log that was written anew from end to end is found by a head that was noted before, and only by that', async () => {
  const accesses = ['a', 'b', 'c', 'd'].map(
    (host): Access => ({ host, purpose: 'ssh', type: 'read', by: 'x', from: '' }),
  )
  const noted = chainOf(accesses.slice(0, 3)).head
  const forged = chainOf(accesses.with(1, { ...(accesses[1] as Access), host: 'other' }))
  expect(await verify(forged.rows, forged.head)).toBe('intact')
  expect(await verify(forged.rows, forged.head, noted)).toBe('3 rewritten')
  expect(await verify([], chainStart, noted)).toBe('1 cut off')
})
