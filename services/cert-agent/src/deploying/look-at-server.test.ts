import { expect, test } from '@jest/globals'
import { SecretValue } from '@opsconductor/redact'
import type { ServerSession } from '../servers/open-server.ts'
import { lookAtServer } from './look-at-server.ts'

const file = { name: 'fullchain.pem', content: new SecretValue(''), sha256: 'aa', mode: 0o644 }
const key = { name: 'privkey.pem', content: new SecretValue(''), sha256: 'bb', mode: 0o600 }
const answers = {
  root: '/etc/nginx/oc',
  version: '/etc/nginx/oc/id/versions/2',
  live: 'link versions/1',
  from: '',
  to: '',
  chain: 'aa 644 root root',
  key: 'bb 600 root root',
}

const answering = (fields: string[], config_directories: string[] = []) =>
  ({
    server: {
      nginx: { certificates_directory: '/etc/nginx/oc', config_directories, owner: null, group: null },
    },
    run: async () => ({ stdout: Buffer.from([...fields, ''].join('\0')), stdoutTruncated: false }),
  }) as unknown as ServerSession

/** What is made of a server's answer. */
const look = (changes: Partial<typeof answers>, more: string[] = []) =>
  lookAtServer(answering([...Object.values({ ...answers, ...changes }), ...more]), {
    ...{ certificateId: 'id', version: 2, files: [file, key], configs: [] },
  })

test('it says what is linked, what is staged and what was left half-way', async () => {
  expect(await look({})).toEqual({
    ...{ linked: 1, undo: undefined, configs: [] },
    staged: new Set(['fullchain.pem', 'privkey.pem']),
  })
  expect((await look({ live: '' })).linked).toBeUndefined()
  expect((await look({ from: 'from versions/1', to: 'to versions/2' })).undo).toEqual({ from: 1, to: 2 })
  expect((await look({ from: 'from ' })).undo).toEqual({ from: undefined, to: undefined })
})

test('a file with another content or mode is not what was staged', async () => {
  expect((await look({ chain: 'cc 644 root root' })).staged).toEqual(new Set(['privkey.pem']))
  expect((await look({ key: 'bb 644 root root' })).staged).toEqual(new Set(['fullchain.pem']))
})

test.each([
  ['a certificates directory that leads elsewhere', { version: '/etc/cron.d/versions/2' }],
  ['a folder in the place of the link', { live: 'other' }],
  ['a link that no deployment has made', { live: 'link ../../../etc' }],
  ['a note that no deployment has made', { from: 'from versions/1/../../x' }],
])('%s is refused', async (_, changes) => {
  await expect(look(changes)).rejects.toMatchObject({ code: 'target_refused' })
})

test.each([
  ['in none of the roots', '/srv/x.conf'],
  ['in a hidden directory', '/home/deploy/.ssh/authorized_keys'],
  ['among programs', '/usr/local/bin/ls'],
  ['among the private keys', '/etc/nginx/oc/id/live/privkey.pem'],
])('a configuration file that is, symbolic links followed, %s is refused', async (_, realPath) => {
  const config = { ...file, name: 'x.conf', path: '/etc/nginx/x.conf' }
  const roots = ['/etc/nginx', '/home/deploy', '/usr/local']
  const looking = lookAtServer(answering([...Object.values(answers), ...roots, realPath, ''], roots), {
    ...{ certificateId: 'id', version: 2, files: [file, key], configs: [config] },
  })
  await expect(looking).rejects.toMatchObject({
    code: 'target_refused',
    message: expect.stringMatching(/in none of the directories where one may be written/),
  })
})

test('an answer with more or fewer fields is refused', async () => {
  await expect(look({}, ['one more'])).rejects.toMatchObject({ code: 'target_refused' })
  await expect(look({ live: 'link versions/1\0' })).rejects.toMatchObject({ code: 'target_refused' })
})
