#!/bin/sh
# Serves the images in a directory under the names of the registries from which tests pull them, over TLS. The programs
# trust its certificate, because run.sh sets SSL_CERT_FILE. Runs in the namespaces of isolated.sh, or of a host in them.
set -eu
names='gcr.io ghcr.io k8s.gcr.io registry.k8s.io'
{ cat /etc/hosts && echo "127.0.0.1 $names"; } >/run/hosts
mount --bind /run/hosts /etc/hosts
openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=registry \
    -addext "subjectAltName=DNS:$(echo "$names" | sed 's/ /,DNS:/g')" -keyout /run/registry.key -out /run/registry.pem \
    2>/run/openssl.log
cat >/run/registry.yaml <<CONFIG
version: 0.1
log: { level: warn }
storage: { filesystem: { rootdirectory: $1 }, maintenance: { uploadpurging: { enabled: false } } }
http: { addr: 127.0.0.1:443, tls: { certificate: /run/registry.pem, key: /run/registry.key } }
CONFIG
exec docker-registry serve /run/registry.yaml
