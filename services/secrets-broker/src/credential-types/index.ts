import { acmeAccount } from './acme-account.ts'
import { apiKey } from './api-key.ts'
import { aws } from './aws.ts'
import { bearerToken } from './bearer-token.ts'
import { custom } from './custom.ts'
import { dbDsn } from './db-dsn.ts'
import type { AnyCredentialType } from './define-credential-type.ts'
import { httpBasic } from './http-basic.ts'
import { oauth2Client } from './oauth2-client.ts'
import { smtp } from './smtp.ts'
import { snmpCommunity } from './snmp-community.ts'
import { snmpV3 } from './snmp-v3.ts'
import { ssh } from './ssh.ts'
import { sshCertificate } from './ssh-certificate.ts'
import { tsig } from './tsig.ts'
import { vaultRef } from './vault-ref.ts'
import { webhookSecret } from './webhook-secret.ts'
import { x509 } from './x509.ts'

const credentialTypes: readonly AnyCredentialType[] = [
  ssh,
  httpBasic,
  bearerToken,
  dbDsn,
  apiKey,
  custom,
  oauth2Client,
  x509,
  sshCertificate,
  snmpCommunity,
  snmpV3,
  webhookSecret,
  aws,
  smtp,
  tsig,
  acmeAccount,
  vaultRef,
]

const byType = new Map<string, AnyCredentialType>(credentialTypes.map((type) => [type.type, type]))

export const credentialTypeNames: readonly string[] = [...byType.keys()]

export const findCredentialType = (name: string): AnyCredentialType | undefined => byType.get(name)
