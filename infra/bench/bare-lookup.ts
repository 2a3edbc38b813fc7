/**
 * What a lookup costs at least, in a process of its own: an express route, one prepared SELECT, one INSERT into a plain
 * table that shares its commit with whoever comes meanwhile. Prints its port.
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import pg from 'pg'

interface Waiting {
  row: { host: string; purpose: string; at: string }
  resolve(): void
  reject(error: unknown): void
}

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 })
const waiting: Waiting[] = []
let writing = false

const append = (row: Waiting['row']) =>
  new Promise<void>((resolve, reject) => {
    waiting.push({ row, resolve, reject })
    void writeWaiting()
  })

async function writeWaiting(): Promise<void> {
  if (writing) return
  writing = true
  while (waiting.length > 0) {
    const batch = waiting.splice(0, 500)
    try {
      await pool.query({
        name: 'insert',
        text: `INSERT INTO bench.accesses (host, purpose, at)
          SELECT r.host, r.purpose, r.at FROM json_to_recordset($1) AS r (host text, purpose text, at timestamptz)`,
        values: [JSON.stringify(batch.map(({ row }) => row))],
      })
      for (const { resolve } of batch) resolve()
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
  writing = false
}

const app = express()
app.use(express.json())
app.post('/lookup', async (request, response) => {
  const { host, purpose } = request.body as { host: string; purpose: string }
  const { rows } = await pool.query({
    name: 'select',
    text: 'SELECT host, purpose, username, password, domain, additional_data FROM bench.credentials WHERE host = $1 AND purpose = $2',
    values: [host, purpose],
  })
  await append({ host, purpose, at: new Date().toISOString() })
  response.json(rows[0])
})
const server = app.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
