/** What is wrong with a module's text, for who wrote it. */
export class MibFault extends Error {
  override readonly name = 'MibFault'

  constructor(message: string, line?: number) {
    super(line === undefined ? message : `${message} (line ${line})`)
  }
}
