import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createTestDatabase } from '@opsconductor/test-peers'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import { root } from '../local/layout.ts'

/**
 * Throws, with the SQL that is missing, where migrations/ and a service's schema.prisma disagree. Compares through
 * Prisma's own schema engine (WebAssembly), since `prisma migrate diff` would download one.
 */
export async function assertNoSchemaDrift(testDatabaseUrl: string): Promise<void> {
  process.env.TEST_DATABASE_URL = testDatabaseUrl
  const database = await createTestDatabase()
  try {
    for (const service of readdirSync(join(root, 'services'))) {
      const file = join(root, 'services', service, 'prisma/schema.prisma')
      if (!existsSync(file)) continue
      const missing = withoutForeignSchemas(await missingSql(database.ownerUrl, readFileSync(file, 'utf8')))
      if (missing !== '')
        throw new Error(
          `migrations/ and services/${service}/prisma/schema.prisma differ; to get from the first to the second:\n${missing}`,
        )
    }
  } finally {
    await database.drop()
  }
}

/** Foreign keys into another service's schema are in SQL only (named `…_cross_schema`): not a difference. */
function withoutForeignSchemas(sql: string): string {
  return sql
    .split(/(?=^-- \w+$)/m)
    .filter(
      (statement) => statement.trim() !== '' && !/DROP CONSTRAINT "\w+_cross_schema";\s*$/.test(statement),
    )
    .filter((statement) => !/^-- This is an empty migration/.test(statement))
    .join('')
    .trim()
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
