# Lucid in one container: `up`, with everything it starts beside it. Kept thin: no hardening, no
# multi-architecture build and no Kubernetes here yet.
# Run it with an init (`docker run --init`, or compose.yaml): a desktop's orphans need a reaper.
FROM node:22-bookworm-slim

RUN apt-get update \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    nats-server tigervnc-standalone-server tigervnc-tools xfonts-base xauth openbox xterm ffmpeg \
  && rm -rf /var/lib/apt/lists/*

# The link leads past npm's launcher to the program itself, so that SIGTERM arrives.
RUN npm install --global deno@2.9.5 \
  && ln -s "$(deno eval 'console.log(Deno.execPath())')" /usr/local/bin/lucid-deno

RUN useradd --create-home --uid 10001 lucid && install -d -o lucid -m 700 /data
WORKDIR /lucid
COPY --chown=lucid . .
USER lucid
RUN lucid-deno install --frozen --entrypoint main.ts verify.ts

# Nothing but this container's own port mapping decides who reaches the gateway.
ENV LUCID_DATA=/data LUCID_HOST=0.0.0.0
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["lucid-deno", "run", "-q", "-P=lucid", "--no-prompt", "--cached-only", "--frozen", "main.ts"]
CMD ["up"]
