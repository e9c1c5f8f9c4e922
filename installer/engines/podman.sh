# Podman. On a node with CRI-O it uses CRI-O's storage, so it is served only with --engine.

podman_where() {
	bin='' toml=$(cat /usr/share/containers/storage.conf /etc/containers/storage.conf 2>/dev/null) || :
	root=$(setting storage graphroot) root=${root:-/var/lib/containers/storage}
}

podman_find() {
	case $only:$running in :*' crio'*) return ;; esac
	find_program podman >/dev/null || return 0
	state=runs
	# Any command would create the storage.
	[ ! "$check" ] || [ -e "$root" ] || state="has no image yet"
}

podman_client() { within_a_minute "$cli" "$@"; }

podman_open() {
	need_client podman
	try "print its architecture" client version -f '{{.Client.OsArch}}'
	arch=${said#linux/}
	toml=$(for d in /usr/share/containers /etc/containers; do
		cat $d/containers.conf $d/containers.conf.d/*.conf $d/containers.rootful.conf.d/*.conf 2>/dev/null || :
	done)
	configured=$(setting engine infra_image)
}

podman_unpacked() {
	for place in "$root/overlay/$chain/diff" "$root/vfs/dir/$chain"; do [ ! -d "$place" ] || printf '%s\n' "$place"; done
}

podman_prove() {
	case $(setting engine infra_command) in '' | /pause) ;; *) problem='set infra_command = "/pause"' ;; esac
}

podman_advice() { printf '%s\n' "set infra_image = \"$ref\" and infra_command = \"/pause\" in containers.conf"; }
