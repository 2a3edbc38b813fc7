import { AppError } from '@opsconductor/errors'
import { TooMuchWork, withinLimit } from '@opsconductor/json-schema'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { xmlShape } from '../body/xml-shape.ts'

const charactersMax = 2 * 1024 * 1024
const depthMax = 100
const parseMsMax = 2_000

const parser = new XMLParser({
  ...xmlShape,
  processEntities: true,
  // For references to characters, like &#233;
  htmlEntities: true,
  // Numbers and dates stay as they are written: nothing is lost.
  parseTagValue: false,
  parseAttributeValue: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: depthMax,
})

/**
 * An XML document as a value: elements by their names, lists where one comes more than once, attributes with an @ before
 * their names, text beside them as `#text`; every text a string. Documents that declare anything are refused, so that
 * there are no entities but those that a parser knows by itself.
 */
export function parseXml(text: string): unknown {
  if (text.length > charactersMax)
    throw new AppError(
      'target_answer_too_large',
      `The target answered more than ${charactersMax} characters of XML.`,
    )
  if (hasDeclaration(text))
    throw new AppError('step_failed', 'The target answered XML with a DOCTYPE, which is not taken.')
  try {
    return withinLimit(parseMsMax, () => {
      if (XMLValidator.validate(text) !== true) throw notWellFormed()
      return parser.parse(text) as unknown
    })
  } catch (error) {
    if (error instanceof TooMuchWork)
      throw new AppError('target_answer_too_large', 'The target answered XML that takes too long to read.')
    if (error instanceof AppError) throw error
    if (/nested/i.test((error as Error).message))
      throw new AppError('target_answer_too_large', `The target answered XML nested deeper than ${depthMax}.`)
    throw new AppError('step_failed', 'The target answered XML with names that are not taken.')
  }
}

const notWellFormed = () =>
  new AppError('step_failed', 'The target said that it answers XML, but its answer is not well-formed.')

/** Whether any `<!` begins neither a comment nor a CDATA section: a DOCTYPE, or what would stand in one. */
function hasDeclaration(text: string): boolean {
  for (let at = text.indexOf('<!'); at >= 0; at = text.indexOf('<!', at)) {
    const end = text.startsWith('<!--', at) ? '-->' : text.startsWith('<![CDATA[', at) ? ']]>' : undefined
    if (end === undefined) return true
    at = text.indexOf(end, at + 4)
    if (at < 0) return false
  }
  return false
}
