# Succeeds if only root can change what the absolute path $1 leads to: the file, each directory above it, and each link
# on the way. A sticky directory on the way is fine, because root's files in it stay root's. Otherwise sets $why, and
# returns 2 if the path leads nowhere and only root can change that.
is_roots() {
	at='' left=$1/ links=0 shared=''
	while
		# Each return states its status: in the condition of a loop, dash turns a plain one into 0.
		case $at$left in *[!A-Za-z0-9@%_+=:,./~-]*) why='a path contains unusual characters' && return 1 ;; esac
		read -r mode _ owner group _ <<END
$(ls -ldn "${at:-/}" 2>/dev/null)
END
		why="others could create ${at:-/}"
		[ "$mode" ] || return "${shared:-2}"
		shared=''
		why="${at:-/} belongs to user $owner"
		[ "$owner" = 0 ] || return 1
		case $mode${left:+ above} in
		l*)
			why="$1 leads through too many links" links=$((links + 1))
			[ $links -le 40 ] || return 1
			link=$(readlink "$at") && left=$link/$left
			case $link in /*) at='' ;; *) at=${at%/*} ;; esac
			;;
		s*) ;; # its group may talk to it
		d????????[tT]*' above') shared=1 ;;
		????????w*) why="everybody may write to ${at:-/}" && return 1 ;;
		?????w????+*) why="the ACL of ${at:-/} lets others write to it" && return 1 ;;
		?????w*) why="group $group may write to ${at:-/}" && is_group_of_root "$group" || return 1 ;;
		esac
		[ "$left" ]
	do
		next=${left%%/*} left=${left#*/}
		case $next in '' | .) ;; ..) at=${at%/*} ;; *) at=$at/$next ;; esac
	done
}

# Succeeds for group 0, and for the group that administers MicroK8s. BusyBox's ls shows no ACLs.
is_group_of_root() {
	case $(ls --help 2>&1) in *BusyBox*) return 1 ;; esac
	[ "$1" = 0 ] || { [ "${id:-}" = microk8s ] && grep -q "^microk8s:[^:]*:$1:" /etc/group; }
}

# Fails unless only root can change or create what $1 leads to. $2 describes it.
need_trust() { is_roots "$1" || [ $? = 2 ] || fail "root cannot trust ${2-}$1: $why"; }

trust_path() {
	for place in $(printf '%s\n' "$PATH" | tr : ' '); do
		is_roots "$place" || [ $? = 2 ] || die "root cannot trust $place: $why"
	done
}

need_tools() {
	for tool in base64 expr flock grep gzip mktemp sed sha256sum stat tar timeout; do
		command -v $tool >/dev/null || die "$tool is not installed"
	done
	front=yes && timeout --foreground 1 true 2>/dev/null || front='' # a signal from the terminal reaches the client
}

folders=/usr/local/sbin:/usr/local/bin:/snap/bin:/opt/bin

# Prints the path of the program $1 of an engine. No tool comes from these directories: users may write to some.
find_program() (
	IFS=:
	for place in $PATH $folders; do
		[ ! -x "$place/$1" ] || { printf '%s\n' "$place/$1" && exit; }
	done
	exit 1
)

# Sets $cli to the program $1, in the engine's own directory or elsewhere. Fails if there is none, or, with $why, if root
# cannot trust it.
find_client() {
	why='' cli=${bin:+$bin/$1}
	[ -x "$cli" ] || cli=$(find_program "$1") || return
	is_roots "$cli" && return
	why="root cannot trust $cli: $why"
	return 1
}

need_client() { find_client "$1" || fail "${why:-$1 is not installed}"; }
