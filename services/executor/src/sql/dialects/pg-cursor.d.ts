declare module 'pg-cursor' {
  import type { EventEmitter } from 'node:events'
  import type { Connection, QueryArrayResult, Submittable } from 'pg'

  export default class Cursor extends EventEmitter implements Submittable {
    constructor(
      text: string,
      values: unknown[],
      config: {
        rowMode: 'array'
        types: { getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown }
      },
    )
    read(
      rows: number,
      done: (error: Error | null | undefined, rows: unknown[][], result: QueryArrayResult) => void,
    ): void
    close(): Promise<void>
    submit(connection: Connection): void
  }
}
