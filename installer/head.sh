#!/bin/sh
{
# Installs the pause image, which is at the end of this file, in the container engines of this machine. Apache-2.0.
# The last byte closes the brace in line 2, so a truncated file runs nothing.

# The user who became root may have exported functions, which bash runs in place of programs (in POSIX mode not of
# unset), and variables, which make clients execute and load what they name.
POSIXLY_CORRECT=yes
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin
unset -f env sed
for name in $(env | sed -n 's/^BASH_FUNC_\([^%()]*\).*/\1/p'); do unset -f "$name"; done
for name in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
	case $name in PATH | TMPDIR) continue ;; esac
	(unset "$name") 2>/dev/null || continue # a shell cannot unset some of its own
	unset "$name"
done
tmpdir=${TMPDIR:-}
unset TMPDIR # until only root can replace files there: bash keeps here-documents in it
export PATH LC_ALL=C TZ=UTC0 HOME=/root
umask 22

name=@NAME@ version=@VERSION@
engines='containerd k3s rke2 k0s microk8s crio docker podman'
# The digest of this file without this line, and those of the programs of earlier releases.
sum=@SUM@
older='@OLDER@'
