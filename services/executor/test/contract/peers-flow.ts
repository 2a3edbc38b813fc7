import type { ExampleStep, Family } from './family.ts'

const flowTypes = ['for_each', 'job.run', 'set', 'wait']

const noted: ExampleStep & { id: string } = { id: 'note', type: 'set', input: { values: { done: true } } }

/** Steps that reach no target but the executor itself. */
export const flowFamily: Family = {
  plays: (type) => flowTypes.includes(type),
  start: async () => ({
    targets: [
      {
        name: 'Temporal, as a part of the run',
        auths: [{ name: 'none' }],
        place: (step) => (step.type === 'for_each' ? { ...step, steps: [noted] } : step),
      },
    ],
    ports: [],
    jobs: [{ name: 'restart-service', steps: [noted] }],
    input: { host: 'web-01', hosts: ['web-01', 'web-02'], team: 'blue' },
    stop: async () => {},
  }),
}
