import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { Pool } from 'undici'
import { residentBytesOf } from '../local/process-identity.ts'
import { type Latencies, measureConcurrent, quantile } from './statistics.ts'

export interface SecretsLookupOptions {
  brokerUrl: string
  brokerPid: number
  internalKey: string
  /** The owner's. */
  databaseUrl: string
}

export interface SecretsLookupResult {
  broker: Latencies
  bare: Latencies
  /** Lookups per second of the broker, of one of the bare route; the median of all rounds. */
  ratio: number
  brokerBytes: number
}

const connections = 16
/** Until V8 has compiled what the broker does with each. */
const warmUp = 10_000
const rounds = 20
const roundCalls = 500
const hosts = 100

/** Lookups with their durable row in the access log, beside a bare route that does as much, in turns on one database. */
export async function benchSecretsLookup(options: SecretsLookupOptions): Promise<SecretsLookupResult> {
  const database = new pg.Pool({ connectionString: options.databaseUrl, max: 1 })
  const bareRoute = await startBareRoute(database, options.databaseUrl)
  const brokerHttp = new Pool(options.brokerUrl, { connections })
  const bareHttp = new Pool(`http://127.0.0.1:${bareRoute.port}`, { connections })
  const headers = { 'x-internal-key': options.internalKey }
  const lookUp = caller(brokerHttp, '/internal/secrets/credential-lookup', headers)
  const lookUpBare = caller(bareHttp, '/lookup')
  try {
    const upsert = caller(brokerHttp, '/internal/secrets/credential-upsert', headers)
    for (let i = 0; i < hosts; i++) await upsert(credentialOf(i))
    await measureConcurrent(warmUp, connections, () => lookUp(keyOf()))
    await measureConcurrent(warmUp, connections, () => lookUpBare(keyOf()))
    const brokerRounds: Latencies[] = []
    const bareRounds: Latencies[] = []
    for (let round = 0; round < rounds; round++) {
      bareRounds.push(await measureConcurrent(roundCalls, connections, () => lookUpBare(keyOf())))
      brokerRounds.push(await measureConcurrent(roundCalls, connections, () => lookUp(keyOf())))
    }
    const ratios = brokerRounds.map(({ perSecond }, i) => perSecond / (bareRounds[i] as Latencies).perSecond)
    return {
      broker: medianOf(brokerRounds),
      bare: medianOf(bareRounds),
      ratio: quantile(ratios, 0.5),
      brokerBytes: residentBytesOf(options.brokerPid) ?? Number.NaN,
    }
  } finally {
    await Promise.all([brokerHttp.close(), bareHttp.close()])
    bareRoute.child.kill('SIGTERM')
    await once(bareRoute.child, 'exit')
    await database.query('DROP SCHEMA bench CASCADE')
    await database.query("DELETE FROM secrets.host_credentials WHERE purpose = 'bench'")
    await database.end()
  }
}

const keyOf = (i = Math.floor(Math.random() * hosts)) => ({ host: `bench-${i}`, purpose: 'bench' })
const credentialOf = (i: number) => ({
  ...keyOf(i),
  username: 'administrator',
  password: `password-${i}`,
  domain: 'CORP',
  additional_data: { notes: 'for the bench' },
})

function caller(http: Pool, path: string, headers: Record<string, string> = {}) {
  return async (body: object): Promise<void> => {
    const answer = await http.request({
      method: 'POST',
      path,
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`${path} answered ${answer.statusCode}: ${text}`)
  }
}

async function startBareRoute(database: pg.Pool, databaseUrl: string) {
  await database.query(`
    DROP SCHEMA IF EXISTS bench CASCADE;
    CREATE SCHEMA bench;
    CREATE TABLE bench.credentials (id serial PRIMARY KEY, host varchar(255), purpose varchar(50), username varchar(255),
      password text, domain varchar(255), additional_data jsonb, UNIQUE (host, purpose));
    CREATE TABLE bench.accesses (id bigserial PRIMARY KEY, host varchar(255), purpose varchar(50), at timestamptz)`)
  for (let i = 0; i < hosts; i++)
    await database.query(
      `INSERT INTO bench.credentials (host, purpose, username, password, domain, additional_data)
       SELECT * FROM json_to_record($1)
         AS r (host text, purpose text, username text, password text, domain text, additional_data jsonb)`,
      [JSON.stringify(credentialOf(i))],
    )
  const file = fileURLToPath(new URL('./bare-lookup.ts', import.meta.url))
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, DATABASE_URL: databaseUrl, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = await once(child.stdout, 'data')
  return { child, port: Number(String(port)) }
}

const medianOf = (all: readonly Latencies[]): Latencies => ({
  p50: quantile(
    all.map(({ p50 }) => p50),
    0.5,
  ),
  p99: quantile(
    all.map(({ p99 }) => p99),
    0.5,
  ),
  perSecond: quantile(
    all.map(({ perSecond }) => perSecond),
    0.5,
  ),
})
