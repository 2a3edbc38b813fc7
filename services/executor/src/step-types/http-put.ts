import { httpStepType } from '../http/http-step-type.ts'

export const httpPut = httpStepType({
  method: 'PUT',
  description:
    'Puts something in its place over HTTP. Doing it twice does no harm, so it is tried again when it fails.',
  risk: 'medium',
  examples: [
    {
      title: 'Set a configuration',
      input: {
        url: 'https://config.example.com/services/{{ input.service }}',
        json: { replicas: '{{ input.replicas }}' },
      },
    },
    {
      title: 'Store an object in S3',
      input: {
        url: 'https://my-bucket.s3.eu-central-1.amazonaws.com/reports/{{ run.id }}.txt',
        text: '{{ input.report }}',
      },
      credential: 'aws',
    },
  ],
})
