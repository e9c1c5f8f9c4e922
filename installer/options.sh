usage() {
	cat <<END
Usage: sh pause-install.sh [OPTION]...
Imports $name into each running container engine.

  --as NAME        store it under this name; can be given more than once
  --as configured  store it under each engine's configured sandbox image name
  --check          change nothing; print "ok" or what to do, and count the running pauses
  --at-boot        also do this whenever containerd, CRI-O or Docker starts, with $me and $service
  --wait SECONDS   wait for an engine to start; with --engine also for one that is not installed yet
  --remove         remove the image and the unit; put back the images that were there before
  --force          also replace images other than pause; also remove a configured one
  --engine NAME    serve only one of $engines
  --socket PATH    the socket of that engine, if not the usual one
  --config PATH    the configuration of that containerd, if not the usual one

Exit status: 0 if every engine is well or was served, otherwise 1.
END
}

me=/etc/pause-install.sh service=pause-install.service unit=/etc/systemd/system/pause-install.service

read_options() {
	names='' asked='' check='' boot='' wait='' remove='' only='' force='' socket_said='' config_said=''
	while [ $# -gt 0 ]; do
		case $1 in
		--as | --engine | --wait | --socket | --config)
			[ "${2:-}" ] || die "$1 needs a value; see --help"
			case $1 in
			--as) can_be_stored "$2" && case "$names " in *" $2 "*) ;; *) names="$names $2" ;; esac ;;
			--engine) only=$2 ;;
			--wait) wait=$2 ;;
			--socket) can_be_path "$@" && socket_said=$2 ;;
			--config) can_be_path "$@" && config_said=$2 ;;
			esac
			[ "$1" = --wait ] || asked="$asked $1 $2"
			shift
			;;
		--check) check=yes ;;
		--at-boot) boot=yes ;;
		--remove) remove=yes ;;
		--force) force=yes ;;
		-h | --help) usage; exit ;;
		*) die "unknown option $1; see --help" ;;
		esac
		shift
	done
	case ${remove:+r}${check:+c}${names:+a}${boot:+b}${wait:+b} in r?* | c*b*) die "conflicting options; see --help" ;; esac
	case $wait in *[!0-9]* | 0?* | ??????*) die "not a number of seconds: $wait" ;; esac
	known='' && for id in $engines; do [ "$id" != "${only:-$id}" ] || known=yes; done
	[ "$known" ] || die "unknown engine $only; see --help"
	[ "$only" ] || [ ! "$socket_said$config_said" ] || die "--socket and --config need --engine"
	: "${names:=$name}"
}

can_be_stored() {
	case $1 in configured) ;; *@*[!a-z0-9:]*) false ;; *) normalise "${1%@sha256:*}" ;; esac ||
		die "not the name of an image: $1"
}

# Allows only characters that systemd takes literally.
can_be_path() {
	case $2 in [!/]* | *[!A-Za-z0-9@_+=:,./-]*) die "$1 needs an absolute path without unusual characters: $2" ;; esac
}
