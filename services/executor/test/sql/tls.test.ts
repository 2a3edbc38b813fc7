import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  createTestCertificates,
  type MariaDb,
  mariadbIsMissing,
  type PostgresWithTools,
  postgresToolsAreMissing,
  startMariaDb,
  startPostgresWithTools,
  type TestCertificates,
} from '@opsconductor/test-peers'
import pg from 'pg'
import { certificatesToPem } from '../../../../packages/x509/src/index.ts'
import { makeCertificate } from '../../../../packages/x509/test/make-certificate.ts'
import { createDatabases, failureOf, type StepOptions, sqlStepsOn, until } from './sql-steps.ts'

const databases = createDatabases()
const stranger = makeCertificate('stranger', { ca: true })
let certificates: TestCertificates

beforeAll(() => {
  certificates = createTestCertificates()
})
afterAll(() => databases.close())

interface Secured {
  /** Of the user `client`, whom the server takes only with a certificate of its authority. */
  dsn: string
  close(): Promise<void>
}

function describeTls(
  title: string,
  isMissing: () => boolean,
  inUse: string,
  start: () => Promise<Secured>,
): void {
  const place = isMissing() ? describe.skip : describe
  place(`000.23 TLS to ${title}`, () => {
    let server: Secured
    beforeAll(async () => {
      server = await start()
    }, 60_000)
    afterAll(() => server?.close())
    const ask = (sslmode: string, options: StepOptions) =>
      sqlStepsOn(`${server.dsn}?sslmode=${sslmode}`, databases, options).query(inUse)
    const trusting = () => ({ caBundles: [certificates.ca], clientCertificate: certificates.client })

    test('a client certificate logs in, over TLS 1.3', async () => {
      const { rows } = await ask('verify-full', trusting())
      expect(Object.values(rows[0])).toContain('TLSv1.3')
    })

    test('without the certificate the server refuses the login', async () => {
      const failure = await failureOf(ask('verify-full', { caBundles: [certificates.ca] }))
      expect(failure).toMatchObject({
        code: 'step_failed',
        message: expect.stringContaining('refused the credential'),
      })
    })

    test('a certificate that nobody vouches for is refused, unless the DSN says so', async () => {
      const { clientCertificate } = trusting()
      expect(await failureOf(ask('require', { clientCertificate }))).toEqual({
        code: 'target_unreachable',
        message: 'The database could not be reached: its certificate is not trusted.',
      })
      expect((await ask('no-verify', { clientCertificate })).row_count).toBe(1)
    })

    test('a certificate for another name is refused', async () => {
      const url = new URL(`${server.dsn}?sslmode=require`)
      url.hostname = 'db.example.com'
      const policy = { allow: [{ cidr: '127.0.0.1', ports: [Number(url.port)] }] }
      const failure = await failureOf(
        sqlStepsOn(url.href, databases, { ...trusting(), policy }).query('SELECT 1'),
      )
      expect(failure.message).toContain('its certificate is for another name')
    })

    test('000.06 a DSN limited to a CA bundle goes to a server under it, verified, and nowhere else', async () => {
      const caBundles = [certificates.ca, certificatesToPem([stranger.certificate])]
      const limited = (sslmode: string, ...names: string[]) =>
        ask(sslmode, { ...trusting(), caBundles, limitsCaBundles: [names] })
      expect((await limited('verify-full', 'bundle 0')).row_count).toBe(1)
      expect((await failureOf(limited('verify-full', 'bundle 1'))).message).toContain('is not trusted')
      expect((await failureOf(limited('verify-full', 'gone'))).code).toBe('step_failed')
      for (const [sslmode, why] of [
        ['disable', 'TLS only'],
        ['no-verify', 'unverified'],
      ] as const)
        expect(await failureOf(limited(sslmode, 'bundle 0'))).toEqual({
          code: 'outbound_denied',
          message: expect.stringContaining(why),
        })
    })

    test('the pool of one certificate, or of one trust, serves no other', async () => {
      const steps = (options: StepOptions) => sqlStepsOn(`${server.dsn}?sslmode=require`, databases, options)
      const own = steps(trusting())
      expect((await own.query('SELECT 1 AS n')).row_count).toBe(1)
      for (const options of [
        { caBundles: [certificates.ca], clientCertificate: undefined as never },
        { ...trusting(), caBundles: [] },
        {
          ...trusting(),
          caBundles: [certificatesToPem([stranger.certificate])],
          limitsCaBundles: [['bundle 0']],
        },
      ])
        expect((await failureOf(own.query('SELECT 1', [], options))).code).toMatch(
          /step_failed|target_unreachable/,
        )
    })
  })
}

describeTls(
  'MariaDB',
  mariadbIsMissing,
  "SELECT VARIABLE_VALUE AS version FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'SSL_VERSION'",
  async () => {
    const server: MariaDb = await startMariaDb(certificates)
    const admin = sqlStepsOn(server.urlOf('test'), databases)
    await admin.script(
      "CREATE USER client@'%' IDENTIFIED BY 'client-password' REQUIRE X509; GRANT ALL ON test.* TO client@'%';",
    )
    return { dsn: `mysql://client:client-password@127.0.0.1:${server.port}/test`, close: server.close }
  },
)

describeTls(
  'PostgreSQL',
  postgresToolsAreMissing,
  'SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
  async () => {
    const server: PostgresWithTools = await startPostgresWithTools()
    const url = new URL(await server.createDatabase('secured'))
    const owner = new pg.Client({ connectionString: url.href })
    await owner.connect()
    await furnishTls(owner, certificates)
    await owner.end()
    url.username = 'client'
    url.password = ''
    return { dsn: url.href, close: server.close }
  },
)

/** Through the server itself, because its files belong to its own user. */
async function furnishTls(owner: pg.Client, { ca, server }: TestCertificates): Promise<void> {
  const { rows } = await owner.query("SELECT current_setting('data_directory') AS data")
  const write = (name: string, text: string) =>
    owner.query(
      `COPY (SELECT unnest(string_to_array(${owner.escapeLiteral(text.trim())}, E'\\n')))
       TO PROGRAM ${owner.escapeLiteral(`umask 077; cat > '${rows[0].data}/${name}'`)}`,
    )
  await write('root.crt', ca)
  await write('server.crt', server.cert)
  await write('server.key', server.key)
  await write('pg_hba.conf', 'hostssl all client 127.0.0.1/32 cert\nhost all all 127.0.0.1/32 scram-sha-256')
  await owner.query('CREATE ROLE client LOGIN')
  await owner.query("ALTER SYSTEM SET ssl_ca_file = 'root.crt'")
  await owner.query('ALTER SYSTEM SET ssl = on')
  await owner.query('SELECT pg_reload_conf()')
  // A connection hears of it after the server itself.
  await until(async () => (await owner.query('SHOW ssl')).rows[0].ssl === 'on')
}
