# Counts the pauses of all users by the digests of their programs, which it reads but does not execute.
count_pauses() {
	new=0 old=0 other=0 known=" $(for layer in "$folder"/blobs/sha256/*; do
		gzip -dc "$layer" | tar -xOf - pause | digest
	done 2>/dev/null | tr '\n' ' ')/ $older "
	for process in /proc/[0-9]*; do
		{ read -r comm <"$process/comm" && [ "$comm" = pause ]; } 2>/dev/null || continue
		# Ours are smaller than a page, and another user's program may be endless.
		head -c 4097 "$process/exe" >"$folder/program" || continue
		sum=$(digest <"$folder/program")
		case $known in
		*" $sum "*/*) new=$((new + 1)) ;;
		*" $sum "*) old=$((old + 1)) ;;
		*) other=$((other + 1)) ;;
		esac
	done
	echo "running pauses: $new of this release, $old of earlier ones, $other others" >"$folder/part"
	mv "$folder/part" "$folder/count"
}

print_count() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do [ -e "$folder/count" ] || sleep 1; done
	cat "$folder/count" 2>/dev/null || say "running pauses: not counted within 10 s"
}
