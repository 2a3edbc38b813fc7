import { AppError } from '@opsconductor/errors'
import { safeInteger } from '../json-values.ts'

/** What tedious says of a column. */
export interface ColumnType {
  colName: string
  type: { name: string }
  scale?: number | undefined
}

type Read = (value: unknown) => unknown

/** How a value of the column is read from what tedious made of it; null stays null. */
export function valueReader({ colName, type, scale = 0 }: ColumnType): Read {
  const read = readerOf(type.name, scale, colName)
  return (value) => (value === null || value === undefined ? null : read(value))
}

function readerOf(type: string, scale: number, column: string): Read {
  switch (type) {
    case 'BigInt':
    case 'IntN':
      return (value) => (typeof value === 'string' ? safeInteger(BigInt(value)) : value)
    case 'Decimal':
    case 'DecimalN':
    case 'Numeric':
    case 'NumericN':
      return (value) => exact(value as number, scale, column)
    case 'Money':
    case 'MoneyN':
    case 'SmallMoney':
      return (value) => exact(value as number, 4, column)
    case 'Date':
      return (value) => isoText(value as Date).slice(0, 10)
    case 'Time':
      return (value) => isoText(value as Date, scale).slice(11)
    case 'DateTime2':
      return (value) => isoText(value as Date, scale).replace('T', ' ')
    case 'DateTime':
    case 'DateTimeN':
      return (value) => isoText(value as Date, 3).replace('T', ' ')
    case 'SmallDateTime':
      return (value) => isoText(value as Date).replace('T', ' ')
    case 'DateTimeOffset':
      return (value) => `${isoText(value as Date, scale)}Z`
    default:
      return (value) => value
  }
}

/** Below it a double keeps every digit of a decimal. */
const unscaledMax = 1e15

/** tedious makes doubles of decimals. */
function exact(value: number, scale: number, column: string): string {
  if (Math.abs(value) * 10 ** scale < unscaledMax) return value.toFixed(scale)
  throw new AppError(
    'step_failed',
    `The column ${column.slice(0, 100)} holds a decimal of more than 15 digits, which would be rounded: cast it to varchar.`,
  )
}

/** The driver puts the database's clock into UTC's, and what is beyond milliseconds beside it, in seconds. */
function isoText(date: Date & { nanosecondsDelta?: number }, digits = 0): string {
  const [text = '', milliseconds = ''] = date.toISOString().slice(0, -1).split('.')
  if (digits === 0) return text
  const beyond = String(Math.round((date.nanosecondsDelta ?? 0) * 1e7)).padStart(4, '0')
  return `${text}.${`${milliseconds}${beyond}`.slice(0, digits)}`
}
