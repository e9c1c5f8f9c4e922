# Runs "$@" with the input $input; sets $said to its output, or to its errors.
on() {
	said=$("$@" 2>"$folder/error" <"${input:-/dev/null}") && return
	said="$(grep -v ' level=\(info\|warning\) ' "$folder/error")${said:+ $said}"
	return 1
}
input=''

# Runs "$@" like "on", and exits with the message "cannot $1" if that fails.
try() { cannot=$1; shift; on "$@" || fail "cannot $cannot: $said"; }

# Runs "$@", a program of an engine, unless one did not end before: no answer must not pass for "no".
within_a_minute() {
	if [ ! -s "$late" ]; then
		timeout ${front:+--foreground} -s KILL 60 "$@" 9>&- && return
		case $? in 124 | 137) echo "no answer within 60 s: restart $title" >"$late" ;; *) return 1 ;; esac
	fi
	cat "$late" >&2
	return 1
}

answered() { [ ! -s "$late" ] || fail; }

client() { "${kind}_client" "$@"; }

# Sets $state for the program $1, which listens at $socket. The other arguments call its client.
look() {
	said=''
	rm -f "$late"
	if [ ! -S "$socket" ]; then
		! find_program "$1" >/dev/null || state="is not running"
		return
	fi
	shift
	state=runs
	# Otherwise "reach" says why.
	if is_roots "$socket" && find_client "$wanted"; then
		on "$@" || case $said in *refused* | *'Is the docker daemon running'*) state="is not running" ;; *) said='' ;; esac
	fi
}

# Fails unless "$@" gets an answer at $socket; waits for one if --wait allows it.
reach() {
	need_trust "$socket" "its socket "
	need_client "$wanted"
	until on "$@"; do
		in_time || fail "cannot reach it at $socket: $said"
		sleep 1
		rm -f "$late"
	done
}

ask_cri() {
	on within_a_minute "$cli" -r "unix://$1" -i "unix://$1" info || return
	configured=$(printf '%s\n' "$said" | sed -n 's/.*"sandboxImage": "\(.*\)".*/\1/p')
}

# Prints the last value of the key $2 in the table $1 of $toml.
setting() {
	blank='[[:space:]]*'
	printf '%s\n' "$toml" |
		sed -n "/^${blank}\[/h;G;s/^$blank$2$blank=${blank}[\"']\([^\"']*\).*\n${blank}\[$1\].*/\1/p" | sed '$!d'
}

# Allows one installer at a time. It locks a directory that only root can open.
lock() {
	exec 9<$HOME
	timeout 300 flock 9 || die "another installer has been running for 5 minutes"
}

# A subshell keeps $folder: its $mine is empty.
at_exit() {
	trap 'rm -rf "${mine:+$folder}" "$part" $me.new $unit.new' EXIT
	trap 'exit 1' HUP INT PIPE TERM
}

# Names and errors may contain control characters, which must not reach root's terminal.
say() { printf '%s\n' "$*" | tr -d '\000-\010\013-\037\177'; }
skip() {
	[ ! "$only" ] || fail "$1"
	say "$title: $1; skipped"
	exit 3
}
fail() {
	[ ! -s "$late" ] || set -- "$(cat "$late")"
	say "$title: $1" >&2
	exit 1
}
die() { say "pause-install: $*" >&2; exit 1; }
