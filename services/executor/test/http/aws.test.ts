import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { motoIsMissing, startMoto } from '@opsconductor/test-peers'
import { createStepRunner, lent, opened } from './step-runner.ts'

const withMoto = motoIsMissing() ? test.skip : test
let moto: Awaited<ReturnType<typeof startMoto>> | undefined
let runner: ReturnType<typeof createStepRunner>

beforeAll(async () => {
  if (motoIsMissing()) return
  moto = await startMoto()
  runner = createStepRunner({ policy: opened(Number(new URL(moto.url).port)) })
}, 60_000)
afterAll(async () => {
  await runner?.close()
  await moto?.close()
})

const ask = (secretAccessKey: string) =>
  [
    'http.post',
    {
      url: `${moto?.url}/`,
      headers: { 'X-Amz-Target': 'secretsmanager.ListSecrets' },
      json: {},
      content_type: 'application/x-amz-json-1.1',
      aws_service: 'secretsmanager',
    },
    {
      credential: lent(
        'aws',
        { secret_access_key: secretAccessKey },
        { access_key_id: moto?.accessKey.id, region: 'eu-central-1' },
      ),
    },
  ] as const

withMoto('000.02 a request that is signed for AWS is taken by a server that checks signatures', async () => {
  expect((await runner.run(...ask(moto?.accessKey.secret ?? ''))).body).toContain('"SecretList": []')
})

withMoto('a request that is signed with another key is not', async () => {
  expect(await runner.failure(...ask('another-secret-access-key'))).toMatchObject({ code: 'target_refused' })
})
