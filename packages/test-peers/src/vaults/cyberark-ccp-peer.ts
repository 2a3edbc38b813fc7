import { type PeerAnswer, type PeerRequest, startJsonServer } from '../json-server.ts'
import type { TestCertificates } from '../test-certificates.ts'

export type CyberarkCcpPeer = Awaited<ReturnType<typeof startCyberarkCcpPeer>>

interface Account {
  safe: string
  folder: string
  object: string
  content: string
  properties: Record<string, string>
}

/**
 * CyberArk's "Call the Central Credential Provider web service using REST: GetPassword" (docs.cyberark.com, Credential
 * Providers, Content/CCP/Calling-the-Web-Service-using-REST.htm): its parameters, answer and error codes.
 */
export async function startCyberarkCcpPeer(certificates: TestCertificates) {
  const accounts: Account[] = []
  let next: PeerAnswer[] = []
  const appId = 'OpsConductor'
  const refuse = (status: number, ErrorCode: string, ErrorMsg: string): PeerAnswer => ({
    status,
    body: { ErrorCode, ErrorMsg },
  })

  function answer({ path, query, authorized }: PeerRequest): PeerAnswer {
    if (!/^\/aimwebservice\/api\/accounts$/i.test(path)) return { status: 404, body: '<html>404</html>' }
    const planned = next.shift()
    if (planned !== undefined) return planned
    const asked = Object.fromEntries([...query].map(([name, value]) => [name.toLowerCase(), value]))
    if (asked.appid === undefined)
      return refuse(400, 'AIMWS031E', 'Invalid request. The AppID parameter is required')
    if (asked.appid !== appId)
      return refuse(
        403,
        'APPAP008E',
        `Problem occurred while trying to use user in the Vault. User [${asked.appid}] is not defined`,
      )
    if (!authorized)
      return refuse(
        403,
        'APPAP306E',
        `Authentication error for App ID [${appId}]. Reason: APPAP133E Failed to verify application authentication data: Certificate Serial Number "" is unauthorized`,
      )
    const found = accounts.filter(
      ({ safe, folder, object }) =>
        safe === asked.safe && object === asked.object && (asked.folder ?? folder) === folder,
    )
    if (found.length > 1)
      return refuse(400, 'APPAP229E', 'Too many password objects matching query were found')
    const [account] = found
    if (account === undefined)
      return refuse(
        404,
        'APPAP004E',
        `Password object matching query [Safe=${asked.safe};Object=${asked.object}] was not found (Diagnostic Info: 5).`,
      )
    return {
      status: 200,
      body: {
        Content: account.content,
        ...account.properties,
        Safe: account.safe,
        Folder: account.folder,
        Name: account.object,
        PasswordChangeInProcess: 'False',
      },
    }
  }

  const server = await startJsonServer({
    tls: { ...certificates.server, ca: certificates.ca, requestCert: true },
    answer,
  })
  return {
    settings: { url: `https://127.0.0.1:${server.port}`, app_id: appId, ca_pem: certificates.ca },
    auth: { client_certificate: certificates.client.cert, client_key: certificates.client.key },
    requests: server.requests,
    put(path: string, content: string, properties: Record<string, string> = {}) {
      const [safe = '', ...rest] = path.split('/')
      const object = rest.pop() ?? ''
      const account = { safe, folder: rest.join('\\') || 'Root', object, content, properties }
      const at = accounts.findIndex(
        (each) => each.safe === safe && each.folder === account.folder && each.object === object,
      )
      if (at === -1) accounts.push(account)
      else accounts[at] = account
    },
    answerNext(...answers: PeerAnswer[]) {
      next = [...next, ...answers]
    },
    close: server.close,
  }
}
