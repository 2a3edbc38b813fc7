import type { Duplex } from 'node:stream'
import type { Lexis } from './lexis.ts'
import type { DatabaseTarget } from './parse-dsn.ts'
import type { SqlFault } from './sql-error.ts'

export interface Statement {
  sql: string
  values: unknown[]
}

/** Some rows of an answer, each a list of values in the order of the columns. */
export interface Batch {
  columns: readonly string[]
  rows: unknown[][]
}

export interface Outcome {
  /** How many rows were changed; null where the statement is of another kind. */
  affectedRows: number | null
  /** The key that the database gave to an inserted row, where it says so by itself. */
  insertId?: number | string
}

export const isolationLevels = [
  'read uncommitted',
  'read committed',
  'repeatable read',
  'snapshot',
  'serializable',
] as const
export type IsolationLevel = (typeof isolationLevels)[number]

export interface TransactionOptions {
  readOnly: boolean
  isolation?: IsolationLevel | undefined
  /** Where the database can, it ends a statement by itself after this time. */
  timeoutMs: number
}

/** A connection that has logged in. One statement runs at a time. */
export interface DatabaseConnection {
  isUsable(): boolean
  begin(options: TransactionOptions): Promise<void>
  commit(): Promise<void>
  /** Undoes an open transaction and what the session remembers. Throws where the connection cannot be used again. */
  reset(): Promise<void>
  /** Runs one statement; rows come as they are asked for, and a caller that stops early leaves nothing running. */
  run(statement: Statement): AsyncGenerator<Batch, Outcome>
  /** Stops the running statement on the server, over another connection where it takes one. */
  cancel(): Promise<void>
  destroy(): void
}

/** How a connection is made. */
export interface ConnectionWay {
  /** A connected socket, or a stream that has a socket's methods; it is destroyed where it is not logged in within 10 seconds. */
  connect(): Promise<Duplex>
  /** In PEM, whom to trust and what to show to who asks; used where the target speaks TLS. */
  tls: {
    minVersion: 'TLSv1.2' | 'TLSv1.3'
    ca?: string[]
    cert?: string
    key?: string
  }
  /** The directory of the project's SQLite files. */
  sqliteDirectory: string | undefined
}

export interface ScriptSyntax {
  /** `BEGIN ATOMIC` or a trigger's `BEGIN` up to its `END` hold semicolons. */
  blocks?: 'atomic' | 'trigger'
  /** `BEGIN` alone begins a block, not a transaction. */
  beginIsBlock?: true
  /** PL/SQL holds semicolons up to a line with a slash. */
  plsql?: true
  delimiters: { semicolon: boolean; custom: boolean; go: boolean; slash: boolean }
}

export interface Dialect {
  /** As it is called by people. */
  title: string
  lexis: Lexis
  script: ScriptSyntax
  /** How the text names the parameter at this place, counted from 1. */
  placeholder(place: number): string
  /** A name that stands twice is two places. */
  repeatsValues: boolean
  /** A parameter as the driver takes it. */
  toValue(this: void, parameter: unknown): unknown
  /** What a statement that reads may begin with. */
  readWords: readonly string[]
  /** Why the text may not run where only reading is allowed; for what the database would not refuse by itself. */
  refusesToRead?(sql: string): string | undefined
  /** The levels it has, in its own words. */
  isolation: Partial<Record<IsolationLevel, string>>
  /** Statements that define things end the transaction they stand in. */
  definitionsCommit: boolean
  /** What proves that a login works. */
  probe: string
  open(target: DatabaseTarget, way: ConnectionWay): Promise<DatabaseConnection>
  /** What a driver's error means. */
  faultOf(error: unknown): SqlFault
}
