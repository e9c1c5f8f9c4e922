
unpack() {
	payload | base64 -d 2>/dev/null | gzip -t 2>/dev/null || die "this file is damaged: get it again"
	case $tmpdir in '' | /*) ;; *) die "TMPDIR is not an absolute path: $tmpdir" ;; esac
	folder='' part='' mine=yes
	at_exit
	said=$(TMPDIR=$tmpdir mktemp -d 2>&1) || die "set TMPDIR to a writable directory: $said"
	folder=$said
	is_roots "$folder" || die "set TMPDIR to a directory in which only root can replace files: $why"
	export TMPDIR="$folder"
	said=$(decode 2>&1) || die "cannot unpack; set TMPDIR to a directory with more space: $(printf '%s\n' "$said" | sed q)"
	index=$(sed -n '$s|.*/\(.*\)/|\1|p' "$folder/rules")
}

# Makes the OCI image layout. In place of a digest, a part has the number of an earlier part: @03.gz@ for the digest
# of a layer, @03@ for that of its uncompressed contents, or of another part.
decode() {
	cd "$folder" && payload | base64 -d | gzip -dc | tar -xf - && mkdir -p blobs/sha256 || return
	for part in parts/*; do
		number=${part#*/}
		case $part in
		*.gz) printf '%s\n' "s/@${number%.gz}@/$(gzip -dc "$part" | digest)/" >>rules ;;
		*) sed -f rules "$part" >blob && mv blob "$part" ;;
		esac && digest=$(digest <"$part") && printf '%s\n' "s/@$number@/$digest/" >>rules &&
			mv "$part" "blobs/sha256/$digest" || return
	done
}

digest() { sha256sum | cut -c -64; }

# Sets the digests for $arch; $chain is that of the unpacked layer, $program that of /pause.
choose_platform() {
	blobs=$folder/blobs/sha256
	config=$(cd "$blobs" && grep -l "^{\"architecture\":\"$arch\"" ./*) ||
		fail "this installer contains no pause for the architecture $arch"
	config=${config#./}
	manifest=$(cd "$blobs" && grep -l "\"config\":{[^}]*$config" ./*) manifest=${manifest#./}
	layer=$(sed -n 's|.*"layers":\[{[^}]*"digest":"sha256:\([0-9a-f]*\).*|\1|p' "$blobs/$manifest")
	chain=$(gzip -dc "$blobs/$layer" | digest)
	program=$(gzip -dc "$blobs/$layer" | tar -xOf - pause | digest)
}

# Makes the archive with the name $ref. Docker reads manifest.json.
pack() (
	cd "$folder" && sed -f rules -e "s|$name|$ref|" names.json >index.json && b=blobs/sha256 &&
		printf '%s\n' "[{\"Config\":\"$b/$config\",\"Layers\":[\"$b/$layer\"],\"RepoTags\":[\"$ref\"]}]" >manifest.json &&
		tar -cf tar blobs index.json manifest.json oci-layout
)

# Stores the image under all $records, unless it is there and whole; keeps the images that had these names.
import() {
	before=nothing same=yes
	for record in $records; do
		old=$(engine digest "$record")
		if is_ours "$old"; then continue; fi
		same=''
		if [ ! "$old" ]; then continue; fi
		is_pause "$record" || [ "$force" ] ||
			fail "$record is not a pause image (entrypoint /pause); --force replaces it"
		keep_as "$record"
		case $about in
		*'image.title":"pause"'*) before="another version" ;;
		*) try "keep $record as $kept" engine tag "$record" "$kept" && before="another, kept as $kept" ;;
		esac
	done
	try "unpack; set TMPDIR to a directory with more space" pack
	if [ "$same" ]; then before="the same"; else engine load; fi
	engine damage
	if [ "$damage" ]; then
		engine repair
		engine load
		engine damage
		[ ! "$same" ] || before="damaged, repaired"
	fi
	part=${archives:+$archives.pause-install}
	in_copy || on put_copy || { rm -f "$copy" && fail "cannot write $copy: $said"; }
	facts="$ref is installed (before: $before)"
}

is_ours() { [ "$1" = "$index" ] || [ "$1" = "$config" ]; }

has_ours() {
	normalise "$1" || normal=$1
	is_ours "$(engine digest "$normal")"
}

# Succeeds if the entrypoint of the image $1 is /pause. Sets $about to its configuration.
is_pause() {
	about=$(engine about "$1" | tr -d ' \n\t')
	case $about in *'"Entrypoint":["/pause"]'*) ;; *) return 1 ;; esac
}

in_copy() { [ ! "$copy" ] || tr '\0' '\n' 2>/dev/null <"$copy" | grep -F "\"$ref\"" | grep -qF "$index"; }

# Atomically: the engine may watch the directory.
put_copy() {
	mkdir -p "$archives" && cp "$folder/tar" "$part" && mv "$part" "$copy"
}

# Adds to $damage if $1/pause is not ours.
compare_unpacked() {
	unpacked=$1/pause
	if [ -f "$unpacked" ] && [ ! -L "$unpacked" ] && [ "$(head -c 4097 "$unpacked" | digest)" = "$program" ]; then return; fi
	damage="$damage $unpacked" damage=${damage# }
}

# By renaming: running sandboxes keep the old file, new ones get this one.
repair_unpacked() {
	[ -d "${unpacked%/*}" ] || return 0 # gone with a name
	need_trust "${unpacked%/*}"
	part=$unpacked.new
	try "repair $unpacked" put_unpacked
}

put_unpacked() { gzip -dc "$blobs/$layer" | tar -xOf - pause >"$part" && chmod 755 "$part" && mv "$part" "$unpacked"; }

take_back() {
	ours=$(our_names)
	normalise "$configured" || normal=$configured
	if [ "$configured" ] && printf '%s\n' "$ours" | grep -Fqx "$normal"; then
		keep_as "$normal"
		[ "$(engine digest "$kept")$force" ] ||
			fail "$normal is the configured sandbox image and nothing replaces it; --force removes it"
	fi
	back=''
	for record in $ours; do
		keep_as "$record"
		if [ "$(engine digest "$kept")" ]; then
			try "put back $record" engine tag "$kept" "$record"
			back="$back $record"
		else
			try "remove $record" engine untag "$record"
		fi
	done
	# Also the kept images whose names were pulled again.
	for kept in $(engine names | grep '^localhost/pause-before:'); do try "remove $kept" engine untag "$kept"; done
	[ "$kind" = containerd ] || on client rmi "$config" || : # unless something uses it
	left=$(our_names)
	[ ! "$left" ] || fail "still has the image as $left"
	[ ! "$archives" ] || try "remove its archives" rm -f "$archives"/zz-pause*.tar
	ours=$(printf '%s\n' "$ours" | sed '/^sha256:/d' | paste -sd ' ' -) # without CRI's own names
	answered
	say "$title: removed: ${ours:-nothing}${back:+; put back:$back}; ok"
}

our_names() {
	engine names >"$folder/names" || fail "cannot list its images"
	normalise "$configured" || normal=''
	while read -r record; do
		case $record in localhost/pause-before:*) continue ;; esac
		if is_ours "$(engine digest "$record")"; then
			printf '%s\n' "$record"
			continue
		fi
		case $record in *pause* | "$normal" | "$configured") ;; *) continue ;; esac
		! is_pause "$record" || case $about in *'image.title":"pause"'*) printf '%s\n' "$record" ;; esac
	done <"$folder/names"
}
