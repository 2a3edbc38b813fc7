import type { StepTools } from '../step-types/define-step-type.ts'
import type { Varbind } from './net-snmp.ts'
import type { SnmpRow } from './to-row.ts'

interface RowLimit {
  rowsMax: number
  toRow(varbind: Varbind): SnmpRow
}

/** Below what a step's result may have, so that a walk is cut and not refused. */
const resultBytesMax = 200 * 1024

/** As many rows as a result can hold. */
export async function collectRows(walked: AsyncIterable<Varbind[]>, { rowsMax, toRow }: RowLimit) {
  const rows: SnmpRow[] = []
  let bytes = 0
  for await (const varbinds of walked)
    for (const varbind of varbinds) {
      const row = toRow(varbind)
      bytes += Buffer.byteLength(JSON.stringify(row)) + 1
      if (rows.length >= rowsMax || bytes > resultBytesMax)
        return { rows, row_count: rows.length, truncated: true, artefact: null }
      rows.push(row)
    }
  return { rows, row_count: rows.length, truncated: false, artefact: null }
}

/** All rows into an artefact, as they come: one JSON object a line. */
export async function writeRows(
  walked: AsyncIterable<Varbind[]>,
  {
    rowsMax,
    toRow,
    name,
    tools,
  }: RowLimit & { name: string; tools: Pick<StepTools, 'artefacts' | 'progress'> },
) {
  let count = 0
  let truncated = false
  async function* lines(): AsyncGenerator<Uint8Array> {
    for await (const varbinds of walked) {
      const taken = varbinds.slice(0, rowsMax - count)
      count += taken.length
      if (taken.length > 0)
        yield Buffer.from(taken.map((varbind) => `${JSON.stringify(toRow(varbind))}\n`).join(''))
      tools.progress({ rows: count })
      truncated = taken.length < varbinds.length
      if (truncated) return
    }
  }
  const {
    id,
    bytes,
    name: saved,
  } = await tools.artefacts.write({
    name,
    contentType: 'application/x-ndjson',
    content: lines(),
  })
  return { rows: [], row_count: count, truncated, artefact: { id, name: saved, bytes } }
}
