#!/bin/sh
# Serves the images in a folder, as a registry on 127.0.0.1:5000.
config=$(mktemp -p /run)
cat >"$config" <<CONFIG
version: 0.1
log: { level: warn }
storage: { filesystem: { rootdirectory: $1 }, maintenance: { uploadpurging: { enabled: false } } }
http: { addr: 127.0.0.1:5000 }
CONFIG
exec docker-registry serve "$config"
