/** How XML and values stand for each other, both ways. */
export const xmlShape = {
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  textNodeName: '#text',
} as const
