export { compileSchema, type JsonSchemaDocument, schemaFault, type Validator } from './compile-schema.ts'
export { TooMuchWork, withinLimit } from './time-limit.ts'
