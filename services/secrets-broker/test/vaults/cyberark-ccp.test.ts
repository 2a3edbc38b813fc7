import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type CyberarkCcpPeer, createTestCertificates, startCyberarkCcpPeer } from '@opsconductor/test-peers'
import { cyberarkCcp } from '../../src/vaults/providers/cyberark-ccp.ts'
import { describeProvider, failureOf, never, openVault } from './vault-provider-suite.ts'

const certificates = createTestCertificates()

describe('000.40d CyberArk CCP', () => {
  describeProvider({
    provider: cyberarkCcp,
    async start() {
      const peer = await startCyberarkCcpPeer(certificates)
      return {
        settings: peer.settings,
        auth: peer.auth,
        wrongAuth: {},
        // CCP names what is kept with the password itself; a mapping of fields brings them under other names.
        put: async (path, { username = '', password = '' }) =>
          peer.put(path, password, { UserName: username, username, password }),
        close: () => peer.close(),
      }
    },
    path: 'Billing/Operating System/db',
    absentPath: 'Billing/nothing',
    badPaths: ['', 'only-a-safe', 'a//b', '/a/b', 'a/../b', 'a/b+c', 'a/b&c', 'a/50%', 'a/b;c', 'a/b\nc'],
    settingsAt: (host, ca) => ({ url: `https://${host}`, app_id: 'OpsConductor', ca_pem: ca }),
  })
})

describe('000.40d CyberArk CCP, after the vendor’s page "Call the Central Credential Provider web service using REST"', () => {
  let peer: CyberarkCcpPeer
  beforeAll(async () => {
    peer = await startCyberarkCcpPeer(certificates)
    peer.put('S1/Root/db', 'pw-of-db', { UserName: 'svc', Address: 'db1' })
  })
  afterAll(() => peer.close())
  const open = (settings = {}) => openVault(cyberarkCcp, { ...peer.settings, ...settings }, peer.auth)

  test('safe, folder and object are sent as its parameters, over mutual TLS; the account’s properties come back', async () => {
    peer.put('S1/Root/deep/er', 'pw-of-er', {})
    const vault = open()
    const { values } = await vault.read({ path: 'S1/db' }, { signal: never() })
    expect(values).toMatchObject({ value: 'pw-of-db', Content: 'pw-of-db', UserName: 'svc', Address: 'db1' })
    await vault.read({ path: 'S1/Root/deep/er' }, { signal: never() })
    const [first, second] = peer.requests
    expect(Object.fromEntries(first?.query ?? [])).toEqual({
      AppID: 'OpsConductor',
      Safe: 'S1',
      Object: 'db',
    })
    expect(second?.query.get('Folder')).toBe('Root\\deep')
    await vault.close()
  })

  test.each([
    [400, 'AIMWS030E', 'vault_bad_answer'],
    [403, 'APPAP008E', 'vault_forbidden'],
    [403, 'APPAP306E', 'vault_forbidden'],
    [404, 'APPAP004E', 'vault_secret_not_found'],
    [400, 'APPAP229E', 'vault_secret_not_found'],
    [400, 'APPAP007E', 'vault_unreachable'],
    [500, 'APPAP282E', 'vault_throttled'],
    [500, 'APPAP100E', 'vault_unreachable'],
  ])('%i %s is %s', async (status, ErrorCode, code) => {
    const vault = open()
    peer.answerNext({ status, body: { ErrorCode, ErrorMsg: 'quotes pw-of-db' } })
    const error = await failureOf(vault.read({ path: 'S1/db' }, { signal: never() }))
    expect([error.code, error.message]).toEqual([
      code,
      expect.stringContaining(status === 500 && code === 'vault_unreachable' ? ErrorCode : ErrorCode),
    ])
    expect(JSON.stringify([error.message, error.internal])).not.toContain('pw-of-db')
    await vault.close()
  })

  test('another application is refused', async () => {
    const vault = open({ app_id: 'somebody else' })
    expect((await failureOf(vault.read({ path: 'S1/db' }, { signal: never() }))).code).toBe('vault_forbidden')
    await vault.close()
  })
})
