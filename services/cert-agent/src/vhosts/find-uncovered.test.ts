import { expect, test } from '@jest/globals'
import { findUncovered } from './find-uncovered.ts'

test.each<[string[], string[], number | undefined]>([
  [['a.example.com'], ['a.example.com'], undefined],
  [['a.example.com'], ['b.example.com'], 0],
  [['*.example.com'], ['a.example.com', '*.example.com'], undefined],
  [['*.example.com'], ['example.com'], 0],
  [['*.example.com'], ['a.b.example.com'], 0],
  [['*.example.com'], ['a.example.com', '*.b.example.com'], 1],
  [['*.com', 'example.com'], ['*.example.com'], 0],
  [['a.example.com'], ['*.example.com'], 0],
  [['a.example.com'], ['_'], undefined],
  [['192.0.2.1'], ['192.0.2.1'], undefined],
  [['*.0.2.1'], ['192.0.2.2'], 0],
  [['*.example.com'], ['xexample.com'], 0],
])('004.CFG-3 of a certificate for %j, the names %j: %s', (certificateNames, serverNames, index) => {
  expect(findUncovered(certificateNames, serverNames)).toBe(index)
})
