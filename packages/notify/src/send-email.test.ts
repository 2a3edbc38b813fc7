import { afterEach, expect, test } from '@jest/globals'
import { startSmtpServer } from '../../test-peers/src/smtp-server.ts'
import { createTestCertificates } from '../../test-peers/src/test-certificates.ts'
import { createNotifier, type MailServer, type NotifierOptions } from './index.ts'

const { ca, server: certificate } = createTestCertificates()
const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const password = 'mail-Passw0rd'
async function startServer(options: Partial<Parameters<typeof startSmtpServer>[0]> = {}) {
  const server = await startSmtpServer({ certificate, password, ...options })
  closers.push(() => server.close())
  const access: MailServer = {
    ...{ host: server.host, port: server.port, username: 'ops@example.com', password, ca: [ca] },
    security: options.implicitTls ? 'tls' : 'starttls',
  }
  return { ...server, access }
}
const at = new Date('2026-11-22T09:00:00Z')
const notification = {
  id: '6f6e7d1c-9b1f-4f7a-8a43-6a7f0c1d2e3f',
  type: 'certificate_expiring',
  title: 'The certificate www expires in 3 days',
  text: 'It was not renewed.\n.\nLook at it.',
  facts: { certificate: 'www', days_left: 3 },
}
function tell(server: MailServer, more: object = {}, options: NotifierOptions = {}) {
  const notifier = createNotifier({
    ...{ emails: [{ to: 'oncall@example.com', server }], now: () => at, wait: async () => {} },
    ...options,
  })
  closers.push(() => notifier.close())
  return notifier.notify({ ...notification, ...more })
}

test.each([false, true])(
  '004.LOG-3 a mail goes over TLS with a login (from the first byte: %s)',
  async (implicitTls) => {
    const { access, received } = await startServer({ implicitTls })
    await tell(access)
    expect(received).toEqual([
      expect.objectContaining({
        from: 'ops@example.com',
        to: ['oncall@example.com'],
        login: { username: 'ops@example.com', password },
        secure: true,
      }),
    ])
    const { headers, body } = received[0] as (typeof received)[number]
    for (const line of [
      'From: OpsConductor <ops@example.com>',
      'To: oncall@example.com',
      'Subject: The certificate www expires in 3 days',
      `Message-ID: <${notification.id}@opsconductor.invalid>`,
      'Auto-Submitted: auto-generated',
    ])
      expect(headers).toContain(line)
    expect(body).toMatch('It was not renewed.\r\n.\r\nLook at it.')
    expect(body).toMatch('certificate: www\r\ndays_left: 3')
  },
)

test.each([
  ['title', { title: 'a\r\nBcc: evil@example.com\r\n\r\nbody' }],
  ['type', { type: 'a\r\nBcc: evil@example.com' }],
  ['facts', { facts: { name: 'a\r\n.\r\nMAIL FROM:<evil@example.com>\r\n' } }],
  ['text', { text: 'a\r\n.\r\nRCPT TO:<evil@example.com>\r\n.\r\nQUIT\r\n' }],
])('nothing in the %s becomes a header, a recipient or a command', async (_part, more) => {
  const { access, received, commands } = await startServer()
  await tell(access, more)
  expect(received.map(({ to }) => to)).toEqual([['oncall@example.com']])
  expect(received[0]?.headers.filter((line) => /^(bcc|cc):/i.test(line))).toEqual([])
  expect(commands.filter((line) => /evil/.test(line))).toEqual([])
})

test('an address with a line end in it names no second recipient', async () => {
  const { access, commands } = await startServer()
  const to = 'a@example.com>\r\nRCPT TO:<evil@example.com'
  await tell(access, {}, { emails: [{ to, server: access }] }).catch(() => {})
  expect(commands.filter((line) => /^RCPT TO:<evil/.test(line))).toEqual([])
})

test('neither login nor mail is sent where the server does not offer STARTTLS', async () => {
  const { access, commands, received } = await startServer({ offersStartTls: false })
  await expect(tell(access)).rejects.toThrow('was not delivered')
  expect([received, commands.filter((line) => /^(AUTH|MAIL)/.test(line))]).toEqual([[], []])
})

test('neither login nor mail is sent to a server whose certificate is not to be trusted', async () => {
  const { access, commands } = await startServer()
  await expect(tell({ ...access, ca: undefined })).rejects.toThrow('was not delivered')
  expect(commands.filter((line) => /^(AUTH|MAIL)/.test(line))).toEqual([])
})

test('a server that takes mail without a login is not the one that was meant', async () => {
  const { access, received } = await startServer({ offersLogin: false })
  await expect(tell(access)).rejects.toThrow('was not delivered')
  expect(received).toEqual([])
})

test('plain text is for this machine only', async () => {
  const { access, received } = await startServer({ offersStartTls: false })
  await tell({ ...access, security: 'none' })
  expect(received).toHaveLength(1)
  await expect(tell({ ...access, security: 'none', host: 'mail.example.com' })).rejects.toThrow(
    'mail.example.com: mail goes to other machines over TLS only',
  )
})

test('a wrong password is not tried again, and the error quotes neither it nor the server', async () => {
  const { access, commands } = await startServer({ password: 'another-password' })
  const error = await tell(access).catch((error: Error) => error)
  expect(error?.message).toBe('A notification was not delivered (127.0.0.1: answered 535).')
  expect(commands.filter((line) => line.startsWith('AUTH'))).toHaveLength(1)
})

test.each([
  ['RCPT', '451 later', 2, true],
  ['MAIL', '550 no', 1, false],
  ['DATA', '421 closing', 2, true],
])('%s answered %j: tried %i times', async (command, answer, tries, delivered) => {
  const { access, received, commands } = await startServer({ answers: { [command]: [answer] } })
  const told = tell(access).then(
    () => true,
    () => false,
  )
  expect(await told).toBe(delivered)
  expect([received.length, commands.filter((line) => line.startsWith(command)).length]).toEqual([
    delivered ? 1 : 0,
    tries,
  ])
})

test('a server that says nothing ends in time, three times', async () => {
  const { access, commands } = await startServer({ answers: { EHLO: ['none', 'none', 'none'] } })
  await expect(tell(access, {}, { timeoutMs: 100 })).rejects.toThrow('was not delivered')
  expect(commands.filter((line) => line.startsWith('EHLO'))).toHaveLength(3)
})

test('the connection is opened by whom the caller says', async () => {
  const { access, received } = await startServer()
  const refused = Object.assign(new Error('not there'), { code: 'outbound_denied' })
  const connect = async () => Promise.reject(refused)
  await expect(tell({ ...access, connect })).rejects.toThrow('outbound_denied')
  expect(received).toEqual([])
})
