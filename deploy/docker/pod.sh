#!/bin/sh
# A pod without Kubernetes: pause holds the namespaces and the port; nginx and an application join them. The application
# listens only on localhost, where nginx reaches it.
set -eu
cd "$(dirname "$0")"
pause=${PAUSE:-localhost/pause:0.1.0} nginx=${NGINX:-nginx} app=${APP:-busybox} port=${PORT:-8080}
joined='--net=container:pause --ipc=container:pause --pid=container:pause'

docker run -d --name=pause --hostname=pod --ipc=shareable -p "$port:80" "$pause"
# shellcheck disable=SC2086 # a list of words
docker run -d --name=nginx $joined -v "$PWD/nginx.conf:/etc/nginx/nginx.conf:ro" "$nginx" nginx -g 'daemon off;'
# shellcheck disable=SC2086
docker run -d --name=app $joined "$app" sh -c '
    echo "hello from $(hostname)" >index.html
    exec busybox httpd -f -p 127.0.0.1:2368'
