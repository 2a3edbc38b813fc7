import { expect, test } from '@jest/globals'
import { valueReader } from './mssql-values.ts'

const read = (name: string, value: unknown, scale?: number) =>
  valueReader({ colName: 'c', type: { name }, scale })(value)
const at = (iso: string, nanosecondsDelta = 0) => Object.assign(new Date(iso), { nanosecondsDelta })

test.each([
  ['IntN', '9007199254740993', undefined, '9007199254740993'],
  ['IntN', '42', undefined, 42],
  ['IntN', 7, undefined, 7],
  ['NumericN', 0.1, 2, '0.10'],
  ['DecimalN', -12345.678, 3, '-12345.678'],
  ['DecimalN', 99_999_999_999_999, 0, '99999999999999'],
  ['MoneyN', 1.5, undefined, '1.5000'],
  ['Date', at('2026-01-02T00:00:00Z'), undefined, '2026-01-02'],
  ['Time', at('1970-01-01T03:04:05.678Z', 0.000_000_9), 7, '03:04:05.6780009'],
  ['DateTime2', at('2026-01-02T03:04:05.678Z', 0.000_123_4), 7, '2026-01-02 03:04:05.6781234'],
  ['DateTime2', at('2026-01-02T03:04:05Z'), 0, '2026-01-02 03:04:05'],
  ['DateTimeN', at('2026-01-02T03:04:05.007Z'), undefined, '2026-01-02 03:04:05.007'],
  ['DateTimeOffset', at('2026-01-02T03:04:05.678Z'), 3, '2026-01-02T03:04:05.678Z'],
  ['NVarChar', 'text', undefined, 'text'],
  ['DecimalN', null, 2, null],
])('000.16c SQL Server: %s %s (scale %s) is %j', (type, value, scale, expected) => {
  expect(read(type, value, scale)).toBe(expected)
})

test('a decimal that the driver has rounded is refused, never given rounded', () => {
  expect(() => read('DecimalN', Number('12345678901234.567'), 3)).toThrow('cast it to varchar')
})
