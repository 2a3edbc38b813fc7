export {
  createSecretsClient,
  type HostCredentialKey,
  type LentHostCredential,
  type SecretsClient,
  type SecretsClientOptions,
} from './secrets-client.ts'
