import { defineConfig } from 'prisma/config'

// `prisma generate` insists on an engine file that it never runs (toolchain note on Prisma 7): name any file.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath
process.env.CHECKPOINT_DISABLE ??= '1'

export default defineConfig({})
