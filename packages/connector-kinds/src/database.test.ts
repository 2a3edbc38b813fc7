import { expect, test } from '@jest/globals'
import { database } from './database.ts'
import { faultsOf, tryKind } from './try-kind.fixture.ts'

const input = { sql: 'SELECT 1' }

test('a database is where its credential says, so it needs one', () => {
  expect([database.credentialRequired, database.credentials]).toEqual([true, ['db_dsn']])
  for (const stepType of database.stepTypes)
    expect(tryKind(database, {}).apply(input, stepType)).toEqual(input)
  expect(tryKind(database, {}).check).toEqual({ kind: 'sql' })
  expect(faultsOf(database, { dsn: 'postgres://u:p@db/x' })).toEqual([''])
})

test('one that is read-only takes no step that could change something', () => {
  const { apply, fault } = tryKind(database, { read_only: true })
  expect(apply(input, 'sql.query')).toEqual(input)
  for (const stepType of ['sql.execute', 'sql.script'])
    expect(fault(input, stepType)).toMatchObject({ code: 'validation_failed', path: 'connector' })
})
