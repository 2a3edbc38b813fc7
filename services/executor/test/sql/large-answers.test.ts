import { createHash } from 'node:crypto'
import { Duplex } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { connectDirectly } from '@opsconductor/reach'
import { createTestDatabase, mariadbIsMissing, startMariaDb } from '@opsconductor/test-peers'
import type { StepTools } from '../../src/step-types/define-step-type.ts'
import { createDatabases, failureOf, sqlStepsOn, until } from './sql-steps.ts'

const databases = createDatabases()
afterAll(() => databases.close())

type Artefacts = Pick<StepTools['artefacts'], 'write'>

/** Takes an artefact in, chunk by chunk. */
const takingIn = (onChunk: (chunk: Uint8Array, index: number) => void | Promise<void>): Artefacts => ({
  async write({ name, contentType, content }) {
    let bytes = 0
    let index = 0
    for await (const chunk of content) {
      bytes += chunk.length
      await onChunk(chunk, index++)
    }
    return { id: 'artefact', name, content_type: contentType, bytes, sha256: '', redacted: false }
  },
})

const servers = [
  {
    title: 'PostgreSQL',
    isMissing: () => false,
    async start() {
      const database = await createTestDatabase()
      return { dsn: database.ownerUrl, close: () => database.drop() }
    },
    rows: (count: number) => `SELECT generate_series(1, ${count}) AS n, repeat('x', 90) AS text`,
  },
  {
    title: 'MariaDB',
    isMissing: mariadbIsMissing,
    async start() {
      const server = await startMariaDb()
      return { dsn: server.urlOf('test'), close: server.close }
    },
    rows: (count: number) => `SELECT seq AS n, REPEAT('x', 90) AS text FROM seq_1_to_${count}`,
  },
]

for (const { title, isMissing, start, rows } of servers)
  (isMissing() ? describe.skip : describe)(`large answers of ${title}`, () => {
    let server: Awaited<ReturnType<typeof start>>
    beforeAll(async () => {
      server = await start()
    }, 60_000)
    afterAll(() => server?.close())

    test('000.21 100,000 rows become a file of JSON lines, a few at a time', async () => {
      let lines = 0
      let largest = 0
      const hash = createHash('sha256')
      const artefacts = takingIn((chunk) => {
        lines += Buffer.from(chunk).toString().split('\n').length - 1
        largest = Math.max(largest, chunk.length)
        hash.update(chunk)
      })
      const steps = sqlStepsOn(server.dsn, databases, { artefacts })
      const result = await steps.query(rows(100_000), [], { save_as: 'rows.jsonl' })
      expect(result).toMatchObject({
        rows: [],
        row_count: 100_000,
        truncated: false,
        artefact: { name: 'rows.jsonl' },
      })
      expect(lines).toBe(100_000)
      expect(largest).toBeLessThan(4 * 1024 * 1024)
      const expected = createHash('sha256')
      for (let n = 1; n <= 100_000; n++) expected.update(`${JSON.stringify({ n, text: 'x'.repeat(90) })}\n`)
      expect(hash.digest('hex')).toBe(expected.digest('hex'))
    })

    test('an endless answer is read no faster than it is taken in, and no further than is asked for', async () => {
      let taken = 0
      const artefacts = takingIn(async (chunk) => {
        taken += chunk.length
        await new Promise((resolve) => setImmediate(resolve))
      })
      const steps = sqlStepsOn(server.dsn, databases, { artefacts })
      const cut = await steps.query(rows(900_000_000), [], { save_as: 'rows.jsonl', rows_max: 12_345 })
      expect(cut).toMatchObject({ row_count: 12_345, truncated: true, truncated_by: 'rows' })
      expect(cut.artefact.bytes).toBe(taken)
    })

    test('a file that cannot be kept ends the step with its error, and the statement with it', async () => {
      const artefacts = takingIn((_, index) => {
        if (index === 2) throw Object.assign(new Error('full'), { code: 'target_answer_too_large' })
      })
      const steps = sqlStepsOn(server.dsn, databases, { artefacts })
      await failureOf(steps.query(rows(900_000_000), [], { save_as: 'rows.jsonl' }))
      const mark = rows(900_000_000).slice(0, 20)
      const sql =
        title === 'PostgreSQL'
          ? "SELECT count(*) AS n FROM pg_stat_activity WHERE state <> 'idle' AND query LIKE :mark"
          : 'SELECT COUNT(*) AS n FROM information_schema.processlist WHERE info LIKE :mark'
      await until(async () => (await steps.query(sql, { mark: `${mark}%` })).rows[0].n === 0)
    })

    test('a stream that is no socket, as it comes through a bastion, carries statement and cancel', async () => {
      let streams = 0
      const steps = sqlStepsOn(server.dsn, databases, {
        async connect(_host, port, signal) {
          const socket = await connectDirectly([{ address: '127.0.0.1', family: 4 }], port, signal)
          streams++
          return Duplex.from({ readable: socket, writable: socket })
        },
      })
      expect((await steps.query(rows(5))).row_count).toBe(5)
      const stop = new AbortController()
      const slow = title === 'PostgreSQL' ? 'SELECT pg_sleep(60) AS bastion' : 'SELECT SLEEP(60) AS bastion'
      const failure = failureOf(steps.query(slow, [], { signal: stop.signal }))
      const running = async () => {
        const sql =
          title === 'PostgreSQL'
            ? "SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'active' AND query = :slow"
            : 'SELECT COUNT(*) AS n FROM information_schema.processlist WHERE info = :slow'
        return (await steps.query(sql, { slow })).rows[0].n
      }
      await until(async () => (await running()) === 1)
      stop.abort(new Error('CANCELLED'))
      expect((await failure).message).toBe('CANCELLED')
      await until(async () => (await running()) === 0)
      expect(streams).toBeGreaterThanOrEqual(3)
    })
  })
