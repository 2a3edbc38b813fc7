/** What the OAuth 2.0 peer uses of a library that brings no types. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  interface StoredToken {
    save(): Promise<string>
  }
  type TokenClass = (new (
    properties: Record<string, unknown>,
  ) => StoredToken) & {
    find(value: string): Promise<{ isValid: boolean } | undefined>
  }

  export class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>)
    callback(): (request: IncomingMessage, response: ServerResponse) => void
    Client: { find(id: string): Promise<unknown> }
    Grant: new (
      properties: Record<string, unknown>,
    ) => StoredToken & { addOIDCScope(scope: string): void }
    RefreshToken: TokenClass
    AccessToken: TokenClass
    ClientCredentials: TokenClass
  }
}
