# CRI-O. CRI cannot load images, so Podman does.

crio_where() { socket=${socket_said:-/run/crio/crio.sock} bin='' wanted=crio; }
crio_find() { look crio crio_status; }

# Prints the configuration that CRI-O runs with, whatever its files say now.
crio_status() { within_a_minute "$cli" status --socket "$socket" config; }

crio_open() {
	reach crio_status
	toml=$said
	configured=$(setting 'crio[.]image' pause_image)
	command=$(setting 'crio[.]image' pause_command)
	driver=$(setting crio storage_driver) root=$(setting crio root) runroot=$(setting crio runroot)
	for place in ${root:+"$root"} ${runroot:+"$runroot"}; do need_trust "$place"; done
	try "print its version" within_a_minute "$cli" version
	arch=$(printf '%s\n' "$said" | sed -n 's|^Platform: *linux/||p')
	need_client podman
}

crio_client() {
	within_a_minute "$cli" ${root:+--root "$root"} ${runroot:+--runroot "$runroot"} ${driver:+--storage-driver "$driver"} "$@"
}

crio_unpacked() { podman_unpacked; }

crio_prove() {
	case $command in '' | /pause) ;; *) problem='set pause_command = "/pause" and restart it' ;; esac
	# It compares full names with these as they are written.
	pin=pinned
	case $(printf '%s\n' "$toml" | sed -n '/^ *pinned_images = /,/]/p') in
	*"\"$ref\""*) ;;
	*) [ "$configured" = "$ref" ] || pin="not pinned" ;;
	esac
	[ "$pin" = pinned ] || [ ! "$is_configured" ] ||
		problem="${problem:-set pause_image to $ref, in full, and restart it}"
}

crio_advice() { printf '%s\n' "set pause_image and pinned_images in [crio.image] to $ref and restart it"; }
