# Docker, in which cri-dockerd, or k3s with --docker, creates pods.

cri_of_k3s=/run/k3s/cri-dockerd/cri-dockerd.sock

docker_where() { socket=${socket_said:-/var/run/docker.sock} bin='' wanted=docker; }

docker_find() {
	look dockerd client version
	# Where cri-dockerd is installed, it starts after Docker.
	if [ "$state" = runs ] && find_program cri-dockerd >/dev/null && ! cri_socket >/dev/null && in_time; then
		state="is not running"
	fi
}

cri_socket() {
	for cri in /run/cri-dockerd.sock "$cri_of_k3s"; do [ ! -S "$cri" ] || { echo "$cri" && return; }; done
	return 1
}

docker_client() { within_a_minute "$cli" -H "unix://$socket" "$@"; }

docker_open() {
	reach client version -f '{{.Server.Arch}}'
	arch=$said
	if ! cri=$(cri_socket); then return; fi
	need_trust "$cri" "the socket of cri-dockerd "
	docker_at=$cli
	[ "$cri" != $cri_of_k3s ] || bin=/var/lib/rancher/k3s/data/current/bin
	need_client crictl
	ask_cri "$cri" || fail "cannot ask cri-dockerd: $said"
	cli=$docker_at
}

docker_unpacked() { client image inspect -f '{{with .GraphDriver.Data}}{{.UpperDir}}{{end}}' "$ref" 2>/dev/null; }

# Docker has no pins: a prune removes what no container uses.
docker_prove() { :; }

docker_advice() { [ ! "$configured" ] || printf '%s\n' "set --pod-infra-container-image (k3s: --pause-image) to $ref and restart it"; }

# The rest also serves Podman and CRI-O.
docker_digest() { client image inspect -f '{{.Id}}' "$1" 2>/dev/null | sed 's/^sha256://'; }
docker_about() { client image inspect -f '{{json .Config}}' "$1" 2>/dev/null; }
docker_tag() { client tag "$1" "$2"; }
docker_untag() { client rmi "$1"; }
docker_names() {
	on client image ls --format '{{.Repository}}:{{.Tag}}' || return
	printf '%s\n' "$said" | while read -r record; do
		! normalise "$record" || printf '%s\n' "$normal"
	done
}

docker_load() {
	input=$folder/tar
	try "load the image" client load
	input=''
}

docker_damage() {
	damage='' unpacked='' place=$(engine unpacked || :)
	[ ! -d "$place" ] || compare_unpacked "$place"
}

docker_repair() { repair_unpacked; }
