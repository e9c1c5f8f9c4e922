# containerd, including that of k3s, RKE2, k0s and MicroK8s.

# Sets $socket, $wanted (the program that contains ctr), $file (the configuration), and the directories $bin (its own
# programs) and $archives (which it imports when it starts), which may be empty.
containerd_where() {
	bin='' archives='' wanted=ctr data=/var/lib/rancher/$id
	case $id in
	containerd) socket=/run/containerd/containerd.sock file=/etc/containerd/config.toml ;;
	k3s | rke2)
		socket=/run/k3s/containerd/containerd.sock file=${config_said:-$data/agent/etc/containerd/config.toml}
		data=${file%/agent/etc/containerd/*} bin=$data/bin archives=$data/agent/images
		[ "$id" = rke2 ] || bin=$data/data/current/bin
		;;
	k0s)
		socket=/run/k0s/containerd.sock file=/etc/k0s/containerd.toml wanted=k0s
		bin=/var/lib/k0s/bin archives=/var/lib/k0s/images
		;;
	microk8s)
		data=/var/snap/microk8s bin=/snap/microk8s/current/bin wanted=microk8s
		socket=$data/common/run/containerd.sock file=$data/current/args/containerd.toml
		;;
	esac
	socket=${socket_said:-$socket} file=${config_said:-$file}
	# k3s and RKE2 share one socket; the one that is running has written its configuration.
	[ ! "$bin" ] || [ -e "$file" ] || socket=/
	case $id:$(readlink -f "$socket") in containerd:*/k[03]s/* | containerd:*/snap/*) socket=/ ;; esac # root's own link
}

containerd_find() {
	look "$id" client plugins ls
	[ "$state" != runs ] || [ ! "$said" ] || [ "$(cri_plugin)" ] || state="its CRI plugin is disabled"
	[ "$id" != k3s ] || [ ! -S "$cri_of_k3s" ] || state='' # it runs with --docker
}

cri_plugin() { printf '%s\n' "$said" | sed -n 's/^io\.containerd\.grpc\.v1  *cri  *[^ ]*  *\([a-z]*\).*/\1/p'; }

containerd_client() {
	set -- --address "$socket" --namespace k8s.io "$@" # MicroK8s's ctr rejects two forms of the same flag
	[ "$wanted" = ctr ] || set -- ctr "$@"
	within_a_minute "$cli" "$@"
}

containerd_open() {
	need_trust "$file" "its configuration "
	[ ! "$config_said" ] || [ -e "$file" ] || fail "there is no $file"
	for place in ${archives:+"${archives%/*}" "$archives"}; do need_trust "$place"; done
	reach client plugins ls
	arch=$(printf '%s\n' "$said" | sed -n 's|.* linux/\([a-z0-9]*\).*|\1|p' | sed q)
	[ "$(cri_plugin)" = ok ] || fail "its CRI plugin did not load, so no pod can start; see its log"

	ctr_at=$cli
	need_client containerd
	program_at=$cli cli=$ctr_at
	# In 2.0.0 to 2.0.5, `dump` ignores files of version 2; 1.6 and 1.7 have no `migrate`.
	config migrate || config dump || case $said in *'no such file'*) config default ;; *) false ;; esac ||
		fail "cannot print its configuration: $said"
	toml=$said known=''
	case $toml in
	*cri.v1.images*)
		is_2=yes tables="plugins.*cri[.]v1[.]images['\"]"
		configured=$(setting "${tables}[.]pinned_images" sandbox)
		;;
	*)
		is_2='' tables="plugins.*grpc[.]v1[.]cri['\"]"
		configured=$(setting "$tables" sandbox_image) tables="${tables}[.]containerd"
		if find_client crictl && ask_cri "$socket"; then known=yes; fi
		cli=$ctr_at
		;;
	esac
	snapshotter=$(setting "$tables" snapshotter)
}

config() { on within_a_minute "$program_at" --config "$file" config "$1"; }

containerd_digest() { row "$1" | sed -n 's/^[^ ]* *[^ ]* *sha256:\([0-9a-f]*\).*/\1/p'; }

row() { client images ls "name==\"$1\"" 2>/dev/null | sed 1d; }

# Prints the configurations in the image $1, or in the blob $2 (an index, a manifest or a configuration).
containerd_about() {
	blob=$(client content get "sha256:${2:-$(containerd_digest "$1")}" 2>/dev/null | tr -d ' \n\t')
	case $blob in
	*'"manifests":['*) next=$(printf '%s\n' "$blob" | grep -o '"digest":"sha256:[0-9a-f]*"' | sed 's/.*:\(.*\)"/\1/') ;;
	*'"layers":['*) next=$(printf '%s\n' "$blob" | sed -n 's/.*"config":{[^}]*"digest":"sha256:\([0-9a-f]*\)".*/\1/p') ;;
	*) next='' && printf '%s\n' "$blob" ;;
	esac
	for next in $next; do containerd_about '' "$next"; done
}

containerd_load() {
	input=$folder/tar
	try "import the image" client images import --no-unpack -
	input=''
	[ "$records" = "$ref" ] || try "store it as $literal too" client images tag --force "$ref" "$literal"
}

containerd_tag() { client images tag --force "$1" "$2" && client images label "$2" $pin_label=pinned; }
containerd_untag() { client images rm "$1"; }
containerd_names() { client images ls -q 2>/dev/null; }

containerd_damage() {
	damage='' bad=''
	for blob in "$index" "$manifest" "$config" "$layer"; do
		[ "$(client content get "sha256:$blob" 2>/dev/null | digest)" = "$blob" ] || bad="$bad sha256:$blob"
	done
	damage=${bad# } unpacked=''
	set -- snapshots ${snapshotter:+--snapshotter "$snapshotter"}
	on client "$@" view --mounts pause-install-$$ "sha256:$chain" || return 0 # it is not unpacked
	view=$(printf '%s\n' "$said" | sed -n 's/.*"[Ss]ource": "\(.*\)".*/\1/p')
	on client "$@" rm pause-install-$$ || : # containerd also removes what nothing uses
	[ ! -d "$view" ] || compare_unpacked "$view"
}

# Removing the name alone repairs nothing: CRI's own name keeps the content. Without --sync, containerd 2 may reuse a
# bad file that it is about to remove.
containerd_repair() {
	reach client plugins ls # it did not merely fail to answer
	for blob in $bad; do on client content rm "$blob" || :; done
	[ ! "$bad" ] || for record in $records; do on client images rm --sync "$record" || :; done
	repair_unpacked
}

containerd_prove() {
	# 1.6, which lacks the transfer service, has an older rule for names.
	case $toml in *transfer.v1*) ;; *)
		case ${ref%%/*} in
		[!\[]*[.:]*) ;;
		\[* | *[A-Z]*) fail "containerd 1.6 refuses this name; configure another: $literal" ;;
		esac
	esac
	soon has "$ref" image=managed || fail "its CRI plugin does not see $ref: restart it"
	if [ ! "$is_2" ]; then
		pin_image
		if [ "$is_configured" ] && [ ! "$known" ] && has_changed; then cannot_know; fi
	elif [ "$is_configured" ]; then
		# It pins the configured image at once. An existing pin proves nothing.
		[ "$check" ] || for record in $records; do
			try "remove the pin" client images label "$record" $pin_label=
		done
		if [ "$check" ] && is_pinned; then
			! has_changed || cannot_know
		elif ! soon is_pinned; then
			pin_image
			problem="restart it, or pass --config: $file does not name the image that it uses"
		fi
	else
		pin_image
	fi
	pin=pinned
	is_pinned || pin="not pinned" problem=${problem:-$again} hint=''
	# Before 1.6.22 and 1.7.3, it ignores the label.
	grep -q $pin_label "$program_at" || pin="too old to pin"
}

pin_label=io.cri-containerd.pinned

pin_image() {
	[ "$check" ] || for record in $records; do
		try "pin the image" client images label "$record" $pin_label=pinned
	done
}

is_pinned() { for record in $records; do ! has "$record" $pin_label=pinned || return 0; done && false; }

has() { row "$1" | grep -q "[ ,.]$2"; }

# Waits for "$@" to succeed, as CRI may take a moment to learn of a change.
soon() {
	for seconds in 1 1 1 0; do
		! "$@" || return 0
		[ ! "$check" ] || return 1
		sleep $seconds
	done
	return 1
}

cannot_know() { hint=yes problem="restart it, or pass --config: it may have started with another configuration"; }

# Succeeds if its program, its configuration or an imported file has changed since it made its socket, or if it may have
# started with another configuration.
has_changed() (
	cd "${file%/*}" 2>/dev/null || cd /
	set -- "$program_at" "$file" "${file%/*}"
	for one in $(printf '%s\n' "$toml" | sed -n 's/^imports = \[\(.*\)\]/\1/p' | tr -d "\"'",); do # patterns
		set -- "$@" "$one" "${one%/*}"
	done
	started=$(stat -c %z "$socket")
	for one; do
		[ "$one" = "${socket%/*}" ] || ! expr "$(stat -c %z "$one" 2>/dev/null)" \> "$started" >/dev/null || return 0
	done
	[ ! "$config_said" ] && has_other_configuration
)

# Succeeds if a process named containerd was started here with another configuration. Any user can start one, which only
# prevents an "ok".
has_other_configuration() {
	for process in /proc/[0-9]*; do
		{ read -r comm <"$process/comm" && [ "$comm" = containerd ]; } 2>/dev/null || continue
		[ "$(readlink "$process/ns/mnt")" = "$(readlink /proc/self/ns/mnt)" ] || continue
		case $(timeout -s KILL 9 tr '\0' '\n' <"$process/cmdline" | sed -nE -e '/^--?c(onfig)?$/{n;p;}' -e 's/^--?c(onfig)?=//p') in
		'' | "$file" | */docker/containerd/containerd.toml | /var/lib/rancher/* | /etc/k0s/* | /var/snap/*) ;;
		*) return 0 ;;
		esac
	done
	return 1
}

containerd_advice() {
	case $id in
	containerd) key=sandbox_image && [ ! "$is_2" ] || key=pinned_images.sandbox ;;
	k0s) key="spec.images.pause, image and version, in k0s.yaml" ;;
	microk8s) key="sandbox_image in args/containerd-template.toml" ;;
	*) key="pause-image in /etc/rancher/$id/config.yaml" ;;
	esac
	printf '%s\n' "set $key to $ref and restart it"
}
