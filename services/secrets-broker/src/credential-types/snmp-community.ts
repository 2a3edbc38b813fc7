import { z } from 'zod'
import { defineCredentialType, secretField, secretObject } from './define-credential-type.ts'

export const snmpCommunity = defineCredentialType({
  type: 'snmp_community',
  title: 'SNMP v1 or v2c community',
  mainSecret: 'community',
  secret: secretObject({
    community: secretField.max(255).regex(/^[\x20-\x7e]+$/, 'must be printable ASCII'),
  }),
  extra: z.strictObject({ version: z.enum(['v1', 'v2c']).default('v2c') }),
  check: { kind: 'snmp' },
})
