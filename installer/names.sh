# Sets $ref to the full form of $literal, $records to all names under which the image is stored, and $is_configured.
set_ref() {
	has_digest=''
	case $kind:$literal in
	containerd:*@sha256:"$index") has_digest=@sha256:$index ;;
	*@*) fail "no other image can have the digest in this name; configure only a tag: $literal" ;;
	esac
	normalise "${literal%@*}" || fail "not the name of an image: $literal"
	ref=$normal
	[ ! "$has_digest" ] || ref=${normal%:*}$has_digest
	records=$ref is_configured='' copy=${archives:+$archives/zz-pause-$(digest_of "$ref").tar}
	[ "$literal" != "$configured" ] || is_configured=yes
	if normalise "$configured" && [ "$normal" = "$ref" ]; then is_configured=yes; fi
	# containerd 2.3.0 and 2.3.1 look up the configured spelling.
	[ "$kind" != containerd ] || [ "$literal" = "$ref" ] || records="$ref $literal"
}

# Sets $normal to the full form of the name $1, by the rules of github.com/distribution/reference.
normalise() {
	case $1 in *[!][A-Za-z0-9._:/-]*) return 1 ;; esac
	domain=${1%%/*} rest=${1#*/}
	case $1 in */*) ;; *) domain='' ;; esac
	case $domain in
	*[.:A-Z]* | localhost) ;;
	*) domain=docker.io rest=$1 ;;
	esac
	[ "$domain" != index.docker.io ] || domain=docker.io
	case $domain/$rest in docker.io/*/*) ;; docker.io/*) rest=library/$rest ;; esac
	case ${rest##*/} in *:*) ;; *) rest=$rest:latest ;; esac
	normal=$domain/$rest
	label='[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?' step='[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*'
	printf '%s\n' "$normal" |
		grep -Eqx "($label(\.$label)*|\[[0-9A-Fa-f:]+\])(:[0-9]+)?(/$step)+:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
}

# Sets $kept to the name under which the image $1 is kept while ours has its name. The digest tells similar
# names apart.
keep_as() {
	kept=localhost/pause-before:$(printf '%s\n' "$1" | tr -c 'A-Za-z0-9.\n-' _ | cut -c 1-100)-$(digest_of "$1")
}

digest_of() { printf %s "$1" | digest | cut -c -16; }
