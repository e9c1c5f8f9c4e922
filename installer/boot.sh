can_add_to_boot() {
	command -v systemctl >/dev/null || die "--at-boot needs systemd"
	is_me "$0" || die "--at-boot needs this script in a file"
}

# Succeeds if the file $1 is this script. In a pipe, $0 is the name of the shell, and any file can have that name.
is_me() {
	[ -f "$1" ] && grep -qx "sum=$sum" -- "$1" &&
		[ "$(sed "s/^sum=$sum\$/sum=/" -- "$1" | grep '' | digest)" = "$sum" ]
}

add_to_boot() {
	if ! on write_unit || ! on systemctl enable $service; then die "cannot enable $service: $said"; fi
	say "at boot: $service is enabled; ok"
	served=yes
}

# No unit requires this one, so its failure keeps nothing from starting; the kubelet waits for it to end.
write_unit() {
	cp -- "$0" $me.new && { is_me $me.new || ! say "$0 has changed"; } &&
		cat >$unit.new <<END && mv $me.new $me && mv $unit.new $unit
[Unit]
Description=Import the pause image
After=containerd.service crio.service docker.service cri-docker.service snap.microk8s.daemon-containerd.service
Before=kubelet.service

[Service]
Type=oneshot
Environment=TMPDIR=/run
ExecStart=/bin/sh $me --wait 20$asked
TimeoutSec=30

[Install]
WantedBy=containerd.service crio.service docker.service snap.microk8s.daemon-containerd.service
END
}

remove_from_boot() {
	if ! on systemctl disable $service || ! on rm -f $unit $me; then die "cannot remove $service: $said"; fi
	say "at boot: $service is removed; ok"
	[ ! "$offline" ] || served=yes
}
