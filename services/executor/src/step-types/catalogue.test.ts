import { expect, test } from '@jest/globals'
import { StepTypeDescription } from '@opsconductor/contracts'
import { compileSchema } from '@opsconductor/json-schema'
import { holdsTemplate } from '../templating/references.ts'
import { describeStepType } from './describe-step-type.ts'
import { stepTypes } from './index.ts'

const types = [...stepTypes.values()]
const named = types.map((stepType) => [stepType.type, stepType] as const)

interface Schema {
  description?: string
  properties?: Record<string, Schema>
  items?: Schema
}

/** The fields without a word on what they are, nested ones too. */
const undescribed = ({ properties = {}, items }: Schema, at: string): string[] => [
  ...Object.entries(properties).flatMap(([name, field]) => [
    ...(field.description === undefined ? [`${at}.${name}`] : []),
    ...undescribed(field, `${at}.${name}`),
  ]),
  ...(items === undefined ? [] : undescribed(items, `${at}[]`)),
]

test.each(named)('%s says what it is, and so does each of its fields', (_, stepType) => {
  const described = StepTypeDescription.parse(describeStepType(stepType))
  expect(described.description.length).toBeGreaterThan(20)
  expect([
    ...undescribed(described.input_schema as Schema, 'input'),
    ...undescribed(described.output_schema as Schema, 'output'),
  ]).toEqual([])
})

test.each(named)('the JSON Schemas of %s can be used, and take its examples', (_, stepType) => {
  const { input_schema, output_schema, examples } = describeStepType(stepType)
  compileSchema(output_schema)
  const validate = compileSchema(input_schema)
  expect(examples.length).toBeGreaterThan(0)
  for (const { input } of examples) {
    expect(stepType.check?.(input) ?? []).toEqual([])
    // What a template comes to is not known here.
    if (!holdsTemplate(input)) expect(validate(input, 'input')).toBeUndefined()
  }
})

test.each(named)('the examples of %s are for credentials that it takes', (_, stepType) => {
  const titles = stepType.examples.map(({ title }) => title)
  expect(new Set(titles).size).toBe(titles.length)
  for (const { credential } of stepType.examples)
    if (credential !== undefined) expect(stepType.credentials).toContain(credential)
})

test('000.42 there are fifteen step types and more, each with a title of its own', () => {
  expect(types.length).toBeGreaterThanOrEqual(15)
  expect(new Set(types.map(({ title }) => title)).size).toBe(types.length)
  for (const { type } of types) expect(type).toMatch(/^[a-z_]+(?:\.[a-z_]+)?$/)
})

test('a schema says of any JSON simply that it may be anything', () => {
  for (const stepType of types) {
    const { input_schema, output_schema } = describeStepType(stepType)
    expect(JSON.stringify([input_schema, output_schema])).not.toContain('__schema')
  }
})
