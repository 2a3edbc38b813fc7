import { HostName } from '@opsconductor/contracts'
import { inspectTls } from '@opsconductor/reach'
import { z } from 'zod'
import { defineStepType } from './define-step-type.ts'
import { assertAsExpected, TlsExpectations } from './tls-expectations.ts'

const Certificate = z.object({
  subject: z.string().describe('Whom it was issued to.'),
  issuer: z.string().describe('Who issued it.'),
  names: z.array(z.string()).describe('Host names and IP addresses it is for; the first hundred.'),
  serial: z.string().describe('Serial number in hexadecimal.'),
  not_before: z.string().describe('When it becomes valid.'),
  not_after: z.string().describe('When it ends.'),
  fingerprint_sha256: z.string().describe('SHA-256 of the certificate in lower-case hexadecimal.'),
  is_ca: z.boolean().describe('Whether it may issue certificates.'),
})

export const tlsCheck = defineStepType({
  type: 'tls.check',
  title: 'TLS check',
  description:
    'Looks at the certificate and the protocol of a TLS server, whether it is trusted or not, and fails where they are not as expected.',
  risk: 'low',
  credentials: [],
  takesClientCertificate: true,
  takesVia: true,
  input: z
    .object({
      host: HostName.describe('Host name or address of the server.'),
      port: z.number().int().min(1).max(65_535).default(443).describe('Where it listens for TLS.'),
      servername: HostName.optional().describe(
        'The name the server is asked for (SNI), and that its certificate must be for; without it the host.',
      ),
      expect: TlsExpectations.default({}).describe('What must hold; otherwise the step fails.'),
    })
    .strict(),
  output: z.object({
    protocol: z.string().describe('TLSv1.2 or TLSv1.3.'),
    cipher: z.string().describe('The cipher suite by its IANA name.'),
    days_left: z
      .number()
      .int()
      .describe("Whole days until the server's certificate ends; negative where it has ended."),
    name_matches: z.boolean().describe('Whether the certificate is for the server name.'),
    chain_valid: z
      .boolean()
      .describe("Whether the chain holds under the public authorities and the project's CA bundles."),
    reasons: z
      .array(
        z.object({
          code: z.string().describe('A stable code.'),
          message: z.string().describe('The same for a person.'),
        }),
      )
      .describe('Why clients would refuse the server; empty where they would not.'),
    chain: z
      .array(Certificate)
      .describe("The certificates sent, the server's own first, without the root; ten at most."),
  }),
  retryable: true,
  timeoutSeconds: 15,
  examples: [
    {
      title: 'Fail two weeks before a certificate ends',
      input: { host: 'www.example.com', expect: { trusted: true, days_left_min: 14 } },
    },
    {
      title: 'Look at a server behind another name',
      input: { host: 'lb.example.com', port: 443, servername: 'www.example.com' },
    },
  ],
  async run({ expect, servername, ...at }, tools) {
    const seen = await inspectTls({ ...at, servername: servername ?? at.host }, tools)
    assertAsExpected(expect, seen)
    return {
      protocol: seen.protocol,
      cipher: seen.cipher,
      days_left: seen.daysLeft,
      name_matches: seen.nameMatches,
      chain_valid: seen.chainValid,
      reasons: seen.reasons,
      chain: seen.chain,
    }
  },
})
