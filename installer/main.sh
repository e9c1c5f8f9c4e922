main() {
	read_options "$@"
	[ "$(id -u)" = 0 ] || die "run this as root"
	need_tools
	trust_path
	[ ! "$boot" ] || can_add_to_boot
	lock
	unpack
	find_engines
	# In the background: reading a program never ends if its file system does not answer.
	[ ! "$check" ] || count_pauses </dev/null >/dev/null 2>&1 9>&- &

	served='' failed='' skipped='' by_unit=''
	for id in $running; do
		set +e # a condition would turn off the -e inside
		(set -e; mine='' && at_exit; serve)
		status=$?
		set -e
		case $status:$id$remove in
		0:podman | 0:k[03]s | 0:rke2) served=yes ;; # no unit brings it back
		0:*) served=yes by_unit=yes ;;
		3:*) skipped=yes ;;
		*:podman) [ "$served" ] || failed=yes ;;
		*) failed=yes ;;
		esac
	done
	[ ! "$check" ] || print_count
	[ ! "$failed" ] || exit 1
	[ ! "$remove" ] || [ ! -e "$unit" ] || remove_from_boot
	[ ! "$boot" ] || [ ! "$by_unit$offline" ] || add_to_boot
	[ "$served" ] || [ ! "$skipped" ] || die "no engine was served"
	[ "$served" ] || die "${only:-no container engine} is ${only:+not }running here"
}

find_engines() {
	# In a chroot no engine runs, but the socket of one outside may be in reach.
	offline='' running=''
	if [ "$(readlink /proc/1/ns/mnt)" = "$(readlink /proc/self/ns/mnt)" ] &&
		[ "$(stat -L -c %d:%i /proc/1/root/)" != "$(stat -c %d:%i /)" ]; then offline=yes && return; fi 2>/dev/null
	[ ! "$wait" ] || end=$(($(now) + wait))
	while
		running='' notes=''
		for id in ${only:-$engines}; do
			set_engine
			state=''
			engine where
			engine find
			case $state in
			'') ;;
			runs) running="$running $id" ;;
			*) notes="$notes$title: $state; skipped
" ;;
			esac
		done
		# Waits for what is not installed only if it is named, and never for Podman, no daemon.
		case $running in '' | ' podman') [ "$only$notes" ] && [ "$only" != podman ] && in_time ;; *) false ;; esac
	do sleep 1; done
	[ ! "$notes" ] || say "${notes%?}"
}

in_time() { [ "$wait" ] && [ "$(now)" -lt "$end" ]; }

# Prints the uptime in seconds: the time of day may be set while a machine boots.
now() { cut -d . -f 1 /proc/uptime; }

# Calls the function $1 for the engine's kind, or else Docker's: Podman's client is like Docker's.
engine() {
	function=${kind}_$1
	command -v "$function" >/dev/null || function=docker_$1
	shift
	"$function" "$@"
}

set_engine() {
	kind=$id title=$id late=$folder/late.$id
	case $id in
	k3s | k0s) kind=containerd ;;
	rke2) kind=containerd title=RKE2 ;;
	microk8s) kind=containerd title=MicroK8s ;;
	crio) title=CRI-O ;;
	docker) title=Docker ;;
	podman) title=Podman ;;
	esac
	[ ! "$socket_said" ] || title="$title at $socket_said"
}

# Serves the engine $id. Status: 0 if it is well, 3 if it is skipped, otherwise 1.
serve() {
	set_engine
	configured='' archives=''
	engine where
	engine open
	choose_platform
	if [ "$remove" ]; then take_back; return; fi
	status=0
	for literal in $names; do
		[ "$literal" != configured ] || literal=$configured
		if [ ! "$literal" ]; then
			case $names in *' '*' '*) continue ;; esac
			skip "no sandbox image is configured"
		fi
		serve_name || status=1
	done
	return $status
}

# Stores the image as $literal, or checks it, and prints one line: what it found, and "ok" or what to do.
serve_name() {
	set_ref
	pin='' problem='' hint='' before=''
	if [ "$check" ]; then facts="configured: ${configured:-none}; $ref is pause $version"; else import; fi
	verify
	answered
	say "$title: $facts${pin:+, $pin}${copy:+, kept in $copy}; ${problem:-ok}"
	[ ! "$check" ] || [ ! "$problem" ] || [ "$hint" ]
}

verify() {
	again="run this without --check"
	for record in $records; do
		found=$(engine digest "$record")
		if is_ours "$found"; then continue; fi
		[ "$check" ] || fail "$record was imported, but is not there"
		facts="${facts% is pause*} is not there" problem=$again copy=''
		[ "$found" ] || return 0
		facts="${facts% is not*} is another image"
		is_pause "$record" || facts="$facts, not a pause image" problem="choose another name, or --force"
		return 0
	done
	[ ! "$check" ] || engine damage
	if [ "$damage" ]; then
		[ "$check" ] || fail "cannot repair $ref: $damage"
		facts="${facts% is pause*} is damaged: $damage" problem=$again copy=''
		return 0
	fi
	engine prove
	if [ "$copy" ] && ! in_copy; then problem=$again copy='' hint=''; fi
	# If the configured name has our image, other names need no configuration, such as kubeadm's.
	[ "$problem" ] || [ "$is_configured" ] || has_ours "$configured" || problem=$(engine advice)
}
