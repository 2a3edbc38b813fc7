export { compileSchema, type JsonSchemaDocument, schemaFault, type Validator } from './compile-schema.ts'
