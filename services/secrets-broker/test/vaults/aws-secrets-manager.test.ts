import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { motoIsMissing, startJsonServer, startMoto } from '@opsconductor/test-peers'
import { awsSecretsManager } from '../../src/vaults/providers/aws-secrets-manager.ts'
import { describeProvider, failureOf, never, openVault } from './vault-provider-suite.ts'

let moto: Awaited<ReturnType<typeof startMoto>>
beforeAll(async () => {
  if (!motoIsMissing()) moto = await startMoto()
})
afterAll(() => moto?.close())
const onMoto = motoIsMissing() ? describe.skip : describe

const settings = () => ({ region: 'eu-central-1', endpoint: moto.url })
const authOf = (key: { id: string; secret: string }) => ({
  access_key_id: key.id,
  secret_access_key: key.secret,
})

/** Amazon's own SDK writes what the broker reads. */
async function writer() {
  const sdk = await import('@aws-sdk/client-secrets-manager')
  const client = new sdk.SecretsManagerClient({
    region: 'eu-central-1',
    endpoint: moto.url,
    credentials: { accessKeyId: moto.accessKey.id, secretAccessKey: moto.accessKey.secret },
  })
  return { sdk, client }
}

/** A new version of the secret; answers its id. */
async function put(name: string, secret: { SecretString?: string; SecretBinary?: Buffer }): Promise<string> {
  const { sdk, client } = await writer()
  const exists = await client.send(new sdk.DescribeSecretCommand({ SecretId: name })).catch(() => undefined)
  const { VersionId = '' } =
    exists === undefined
      ? await client.send(new sdk.CreateSecretCommand({ Name: name, ...secret }))
      : await client.send(new sdk.PutSecretValueCommand({ SecretId: name, ...secret }))
  return VersionId
}

onMoto('000.40c AWS Secrets Manager, through the real SDK on moto', () => {
  describeProvider({
    provider: awsSecretsManager,
    start: async () => ({
      settings: settings(),
      auth: authOf(moto.accessKey),
      wrongAuth: authOf({ ...moto.accessKey, secret: 'not-the-secret' }),
      put: (path, values) => put(path, { SecretString: JSON.stringify(values) }),
      close: async () => {},
    }),
    path: 'billing/db',
    absentPath: 'billing/none',
    badPaths: ['', 'a b', 'a\nb', 'a?b'],
    settingsAt: (host, ca) => ({ region: 'eu-central-1', endpoint: `https://${host}`, ca_pem: ca }),
  })

  test('versions are read by their id and by their stage; plain text and bytes have the key `value`', async () => {
    const first = await put('token', { SecretString: 'plain one' })
    const second = await put('token', { SecretString: 'plain two' })
    await put('bytes', { SecretBinary: Buffer.from([0, 255, 1]) })
    const vault = openVault(awsSecretsManager, settings(), authOf(moto.accessKey))
    const read = (path: string, version?: string) => vault.read({ path, version }, { signal: never() })
    expect(await read('token')).toEqual({ values: { value: 'plain two' }, version: second })
    expect(await read('token', first)).toEqual({ values: { value: 'plain one' }, version: first })
    expect((await read('token', 'AWSPREVIOUS')).values).toEqual({ value: 'plain one' })
    expect((await read('bytes')).values).toEqual({ value: 'AP8B' })
    expect((await failureOf(read('token', 'NO-SUCH-STAGE'))).code).toBe('vault_secret_not_found')
    await vault.close()
  })

  test('a key that may do nothing is vault_forbidden', async () => {
    const vault = openVault(awsSecretsManager, settings(), authOf(moto.strangerKey))
    const { code } = await failureOf(vault.read({ path: 'token' }, { signal: never() }))
    expect(code).toBe('vault_forbidden')
    await vault.close()
  })

  test('a secret that is marked for deletion is vault_secret_not_found', async () => {
    await put('doomed', { SecretString: 'soon gone' })
    const { sdk, client } = await writer()
    await client.send(new sdk.DeleteSecretCommand({ SecretId: 'doomed' }))
    const vault = openVault(awsSecretsManager, settings(), authOf(moto.accessKey))
    const { code } = await failureOf(vault.read({ path: 'doomed' }, { signal: never() }))
    expect(code).toBe('vault_secret_not_found')
    await vault.close()
  })

  // Moto knows none of these; type and status after docs.aws.amazon.com, Secrets Manager API Reference, "Common Errors" and
  // "GetSecretValue".
  test.each([
    [400, 'AccessDeniedException', 'vault_forbidden'],
    [400, 'UnrecognizedClientException', 'vault_forbidden'],
    [400, 'ExpiredTokenException', 'vault_forbidden'],
    [400, 'DecryptionFailure', 'vault_forbidden'],
    [400, 'ThrottlingException', 'vault_throttled'],
    [500, 'InternalServiceError', 'vault_unreachable'],
    [503, 'ServiceUnavailable', 'vault_unreachable'],
    [400, 'InvalidParameterException', 'vault_bad_answer'],
  ])('%i %s is %s', async (status, type, code) => {
    const server = await startJsonServer({
      answer: () => ({ status, body: { __type: type, message: 'quotes plain one' } }),
    })
    const endpoint = `http://127.0.0.1:${server.port}`
    const vault = openVault(awsSecretsManager, { ...settings(), endpoint }, authOf(moto.accessKey))
    const error = await failureOf(vault.read({ path: 'token' }, { signal: never() }))
    expect([error.code, error.internal?.error]).toEqual([code, type])
    expect(error.message).not.toContain('plain one')
    // Whoever may not read that one secret has shown that the signature is right.
    const checked = await vault.check({ signal: never() }).then(
      () => 'well',
      () => 'refused',
    )
    expect(checked).toBe(type === 'AccessDeniedException' ? 'well' : 'refused')
    await vault.close()
    await server.close()
  })
})
