import { expect, test } from '@jest/globals'
import { createFindDefinition } from './find-definition.ts'
import { parseModule } from './parse-module.ts'

test('a name is looked for once in each module, whether it is there or not', () => {
  const modules = [
    parseModule('A-MIB DEFINITIONS ::= BEGIN IMPORTS b FROM B-MIB; Own ::= INTEGER END'),
    parseModule('B-MIB DEFINITIONS ::= BEGIN Far ::= INTEGER END'),
  ]
  let looked = 0
  const find = createFindDefinition(new Map(modules.map((module) => [module.name, module])), ({ types }) => {
    looked++
    return types
  })
  const [module] = modules as [(typeof modules)[number]]
  const places = () => ['Own', 'Far', 'Nowhere'].map((name) => find(module, name)?.module.name)
  expect([places(), places(), places()]).toEqual(Array(3).fill(['A-MIB', 'B-MIB', undefined]))
  expect(looked).toBe(5)
})
