import { StepTypeDescription } from '@opsconductor/contracts'
import { type AnyRoute, route } from '@opsconductor/service-kit'
import { z } from 'zod'
import { describeStepType } from './describe-step-type.ts'
import { stepTypes } from './index.ts'

const descriptions = () => [...stepTypes.values()].map(describeStepType)

export const stepTypeRoutes = (): AnyRoute[] => [
  route({
    method: 'get',
    path: '/api/step-types',
    summary: 'What steps can be of, with the shapes of their inputs and results.',
    action: 'step-types.read',
    answers: { 200: z.object({ items: z.array(StepTypeDescription) }) },
    handle: async () => ({ status: 200, body: { items: descriptions() } }),
  }),
]
