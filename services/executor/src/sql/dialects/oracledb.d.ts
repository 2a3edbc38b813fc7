declare module 'oracledb' {
  interface Type {
    readonly name: string
  }

  interface ResultSet {
    getRows(count: number): Promise<unknown[][]>
    close(): Promise<void>
  }

  interface Connection {
    callTimeout: number
    execute(
      sql: string,
      binds: unknown[],
      options: object,
    ): Promise<{ metaData?: { name: string }[]; resultSet?: ResultSet; rowsAffected?: number }>
    commit(): Promise<void>
    rollback(): Promise<void>
    break(): Promise<void>
    isHealthy(): boolean
    close(options?: { drop: boolean }): Promise<void>
  }

  interface Driver {
    OUT_FORMAT_ARRAY: number
    STRING: Type
    BUFFER: Type
    DB_TYPE_NUMBER: Type
    DB_TYPE_DATE: Type
    DB_TYPE_TIMESTAMP: Type
    DB_TYPE_TIMESTAMP_TZ: Type
    DB_TYPE_TIMESTAMP_LTZ: Type
    DB_TYPE_CLOB: Type
    DB_TYPE_NCLOB: Type
    DB_TYPE_BLOB: Type
    getConnection(options: { user: string; password: string; connectString: string }): Promise<Connection>
  }

  const oracledb: Driver

  export type { Connection, Type }
  export default oracledb
}
