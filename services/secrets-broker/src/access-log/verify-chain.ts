import { type ChainHead, chainStart, hashRow, type StoredRow } from './chain.ts'

export interface IntactChain {
  intact: true
  rows: number
  head: ChainHead
}

export interface BrokenChain {
  intact: false
  /** The id of the first row that is not as it was written, or not there. */
  id: bigint
  fault: 'changed' | 'missing' | 'inserted' | 're-ordered' | 'cut off' | 'head changed' | 'rewritten'
  detail: string
}

interface Ends {
  /** Where the log says that it ends; without it, what was cut off at the end is not missed. */
  head: ChainHead | undefined
  /** A head that was noted elsewhere at some time: its row must still be there, with that hash. */
  noted?: ChainHead | undefined
}

/**
 * Computes the chain anew over rows in the order of their ids, however many: it keeps two of them. Finds the first row
 * that was changed, inserted, put elsewhere or is missing, by anybody who did not compute the rest of the chain anew;
 * who did is found by `noted`.
 */
export async function verifyChain(
  rows: AsyncIterable<StoredRow>,
  { head, noted }: Ends,
): Promise<IntactChain | BrokenChain> {
  let last = chainStart
  const rest = rows[Symbol.asyncIterator]()
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
    const row = next.value
    const id = BigInt(row.id)
    const broken =
      outOfPlace(last, id, head) ?? (id === last.lastId + 1n ? undefined : await explainGap(last, id, rest))
    if (broken !== undefined) return broken
    if (hashRow(last.hash, row) !== row.chain_hash) return explainHash(last, row, rest)
    if (row.credentialFits === false) return fault(id, 'changed', 'its credential_id is another')
    last = { lastId: id, hash: row.chain_hash }
    if (noted?.lastId === id && noted.hash !== last.hash)
      return fault(id, 'rewritten', 'it has another hash than the one that was noted')
  }
  return checkEnd(last, head, noted) ?? { intact: true, rows: Number(last.lastId), head: last }
}

const fault = (id: bigint, kind: BrokenChain['fault'], detail: string): BrokenChain => ({
  intact: false,
  id,
  fault: kind,
  detail,
})

function outOfPlace(last: ChainHead, id: bigint, head: ChainHead | undefined): BrokenChain | undefined {
  if (id <= last.lastId) return fault(id, 'inserted', 'there is no place for it in the chain')
  if (head !== undefined && id > head.lastId)
    return fault(id, 'inserted', `the log ends with row ${head.lastId}`)
  return undefined
}

/** Rows are missing before `id`, unless (in a file) they come later. */
async function explainGap(last: ChainHead, id: bigint, rest: AsyncIterator<StoredRow>): Promise<BrokenChain> {
  const first = last.lastId + 1n
  for (let next = await rest.next(); next.done !== true; next = await rest.next())
    if (BigInt(next.value.id) === first) return fault(first, 're-ordered', `it comes after row ${id}`)
  const missing = first === id - 1n ? 'it is' : `rows ${first} to ${id - 1n} are`
  return fault(first, 'missing', `${missing} missing before row ${id}`)
}

/** How many rows taken out at one place, with all later rows renumbered, are still called missing. */
const renumberedMax = 100n

/** `row` stands where it should and does not fit: what happened shows in the rows after it. */
async function explainHash(
  last: ChainHead,
  row: StoredRow,
  rest: AsyncIterator<StoredRow>,
): Promise<BrokenChain> {
  const id = BigInt(row.id)
  let follower: StoredRow | undefined
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
    const candidate = next.value
    follower ??= candidate
    if (hashRow(last.hash, { ...candidate, id: row.id }) !== candidate.chain_hash) continue
    // The row that belongs here. If what follows here goes on from it, or this row from it, they changed places.
    const displaced = BigInt(candidate.id) === id + 1n ? { ...row, id: candidate.id } : follower
    return hashRow(candidate.chain_hash, displaced) === displaced.chain_hash
      ? fault(id, 're-ordered', `the row that belongs here has the id ${candidate.id}`)
      : fault(id, 'inserted', `the row that belongs here was moved to ${candidate.id}`)
  }
  if (follower === undefined) return fault(id, 'changed', 'its hash does not fit what it says')
  for (let gone = 1n; gone <= renumberedMax; gone++)
    if (hashRow(row.chain_hash, { ...follower, id: String(id + 1n + gone) }) === follower.chain_hash)
      return fault(id, 'missing', `${gone} taken out before it, and the rows after it renumbered`)
  if (hashRow(hashRow(last.hash, row), follower) === follower.chain_hash)
    return fault(id, 'changed', 'its chain_hash is another')
  return fault(id, 'changed', 'its hash does not fit what it says')
}

function checkEnd(
  last: ChainHead,
  head: ChainHead | undefined,
  noted: ChainHead | undefined,
): BrokenChain | undefined {
  for (const end of [head, noted])
    if (end !== undefined && last.lastId < end.lastId)
      return fault(last.lastId + 1n, 'cut off', `the log ends with row ${last.lastId}, not ${end.lastId}`)
  if (head !== undefined && last.hash !== head.hash)
    return fault(last.lastId, 'head changed', 'access_log_head is not the hash of the last row')
  return undefined
}
