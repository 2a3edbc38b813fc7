import { StepTypeDescription } from '@opsconductor/contracts'
import { type AnyRoute, route } from '@opsconductor/service-kit'
import { z } from 'zod'
import type { AnyStepType } from './define-step-type.ts'
import { stepTypes } from './index.ts'

const descriptions = () => [...stepTypes.values()].map(describe)

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

function describe(stepType: AnyStepType): z.infer<typeof StepTypeDescription> {
  const schema = (of: z.ZodType, io: 'input' | 'output') =>
    z.toJSONSchema(of, { io, unrepresentable: 'any' }) as z.infer<typeof StepTypeDescription>['input_schema']
  return {
    type: stepType.type,
    title: stepType.title,
    risk: stepType.risk,
    credential_types: [...stepType.credentials],
    timeout_seconds: stepType.timeoutSeconds,
    input_schema: schema(stepType.input, 'input'),
    output_schema: schema(stepType.output, 'output'),
    examples: stepType.examples.map(({ title, input }) => ({ title, input })) as never,
  }
}
