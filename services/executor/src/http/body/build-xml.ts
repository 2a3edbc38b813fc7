import { AppError } from '@opsconductor/errors'
import { XMLBuilder } from 'fast-xml-parser'
import { isDeeperThan } from '../../json-limits.ts'
import { xmlShape } from './xml-shape.ts'

const depthMax = 50
/** Names of XML 1.0 without the letters beyond ASCII, which no API asks for. */
const xmlName = /^[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 cannot hold these
const notInXml = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/

const builder = new XMLBuilder({ ...xmlShape, processEntities: true, suppressEmptyNode: true })

/** The document with one root element that the value stands for, in the shape that `parseXml` reads it back to. */
export function buildXml(value: Readonly<Record<string, unknown>>): string {
  const [root, ...others] = Object.keys(value)
  if (root === undefined || others.length > 0 || Array.isArray(value[root]))
    throw invalid('must have exactly one root element')
  if (isDeeperThan(value, depthMax)) throw invalid(`must not nest deeper than ${depthMax}`)
  assertXml(value)
  return `<?xml version="1.0" encoding="UTF-8"?>${builder.build(value)}`
}

/** The builder writes names as they are. */
function assertXml(value: unknown): void {
  if (typeof value === 'string' && (notInXml.test(value) || !value.isWellFormed()))
    throw invalid('must not hold characters that XML cannot hold')
  if (Array.isArray(value)) for (const item of value) assertXml(item)
  else if (typeof value === 'object' && value !== null)
    for (const [name, item] of Object.entries(value)) {
      const isAttribute = name.startsWith(xmlShape.attributeNamePrefix)
      if (name !== xmlShape.textNodeName && !xmlName.test(isAttribute ? name.slice(1) : name))
        throw invalid('must have names that XML allows')
      if ((isAttribute || name === xmlShape.textNodeName) && typeof item === 'object' && item !== null)
        throw invalid('must have attributes and #text that are no objects')
      assertXml(item)
    }
}

const invalid = (what: string) => new AppError('validation_failed', `input.xml ${what}.`)
