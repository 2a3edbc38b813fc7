# One image for every service; docker-compose.yml gives each its command, as `node services/executor/src/main.ts`.
# The workspace layout stays, since services and packages run as TypeScript source.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY . .
RUN node infra/scripts/setup.mjs

FROM ${NODE_IMAGE}
ENV NODE_ENV=production NODE_COMPILE_CACHE=/tmp/compile-cache MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=131072
WORKDIR /app
COPY --from=build /app /app
# Where the executor keeps SQLite files; a volume takes its owner from here.
RUN mkdir -p /var/lib/opsconductor/sqlite && chown node:node /var/lib/opsconductor/sqlite
USER node
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:'+process.env.INTERNAL_PORT+'/healthz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
