# The image of one platform, from `make dist`. Its config and file equal those of `make image`, which needs no engine.
FROM scratch
ARG TARGETARCH
COPY dist/pause-${TARGETARCH} /pause
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LABEL org.opencontainers.image.title="pause" \
      org.opencontainers.image.description="The process that holds a pod's namespaces open and reaps its orphans" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /
USER 65535:65535
ENTRYPOINT ["/pause"]
