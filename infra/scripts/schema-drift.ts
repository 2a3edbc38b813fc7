import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createTestDatabase } from '@opsconductor/test-peers'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import pg from 'pg'
import { root } from '../local/layout.ts'

/**
 * Throws, with the SQL that is missing, where migrations/ and a service's schema.prisma disagree. Compares through
 * Prisma's own schema engine (WebAssembly), since `prisma migrate diff` would download one.
 */
export async function assertNoSchemaDrift(testDatabaseUrl: string): Promise<void> {
  process.env.TEST_DATABASE_URL = testDatabaseUrl
  const database = await createTestDatabase()
  try {
    await dropCrossSchemaKeys(database.ownerUrl)
    for (const service of readdirSync(join(root, 'services'))) {
      const file = join(root, 'services', service, 'prisma/schema.prisma')
      if (!existsSync(file)) continue
      const missing = await missingSql(database.ownerUrl, readFileSync(file, 'utf8'))
      if (missing !== '')
        throw new Error(
          `migrations/ and services/${service}/prisma/schema.prisma differ; to get from the first to the second:\n${missing}`,
        )
    }
  } finally {
    await database.drop()
  }
}

/**
 * Foreign keys into another service's schema are in SQL only, since a schema.prisma knows its own schema. The engine
 * refuses to look at them, so this throw-away database does without.
 */
async function dropCrossSchemaKeys(ownerUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ statement: string }>(
      `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS statement
       FROM pg_constraint WHERE contype = 'f' AND conname LIKE '%\\_cross\\_schema'`,
    )
    for (const { statement } of rows) await client.query(statement)
  } finally {
    await client.end()
  }
}

async function missingSql(connectionString: string, schema: string): Promise<string> {
  Object.assign(globalThis, {
    PRISMA_WASM_PANIC_REGISTRY: { set_message: (message: string) => console.error(message) },
  })
  const { SchemaEngine } = await import('@prisma/schema-engine-wasm')
  const files = [{ path: 'schema.prisma', content: schema }]
  const engine = await SchemaEngine.new(
    { datamodels: files.map((file) => [file.path, file.content]) },
    () => {},
    bindMigrationAwareSqlAdapterFactory(catalogueAdapter(connectionString)),
  )
  const result = await engine.diff({
    from: { tag: 'schemaDatasource', files, configDir: '.' },
    to: { tag: 'schemaDatamodel', files },
    script: true,
    exitCode: true,
    filters: { externalTables: [], externalEnums: [] },
  })
  return result.exitCode === 0 ? '' : (result.stdout ?? '')
}

const internalCharOid = 18
const textOid = 25
const characterColumn = 6

/**
 * PostgreSQL's internal type "char", used in its catalogue, is one that @prisma/adapter-pg refuses and the engine wants
 * as Character: it is shown as text to the adapter and as Character to the engine.
 */
function catalogueAdapter(connectionString: string): PrismaPg {
  let characterColumns = new Set<string>()
  const result = createRequire(createRequire(import.meta.url).resolve('pg'))('./result.js') as {
    prototype: { addFields(fields: { name: string; dataTypeID: number }[]): unknown }
  }
  const { addFields } = result.prototype
  result.prototype.addFields = function (fields) {
    characterColumns = new Set()
    for (const field of fields) {
      if (field.dataTypeID !== internalCharOid) continue
      field.dataTypeID = textOid
      characterColumns.add(field.name)
    }
    return addFields.call(this, fields)
  }
  const factory = new PrismaPg({ connectionString })
  const connect = factory.connect.bind(factory)
  factory.connect = async () => {
    const adapter = await connect()
    const queryRaw = adapter.queryRaw.bind(adapter)
    adapter.queryRaw = async (query) => {
      const rows = await queryRaw(query)
      const columnTypes = rows.columnTypes.map((type, i) =>
        characterColumns.has(rows.columnNames[i] ?? '') ? characterColumn : type,
      )
      return { ...rows, columnTypes }
    }
    return adapter
  }
  return factory
}
