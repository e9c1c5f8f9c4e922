#!/bin/sh
# Makes archives of application images from this machine's programs: /run/busybox.tar, and /run/nginx.tar, which also
# contains nginx and ipcmk.
set -eu
root=/run/rootfs
# Copies the libraries of a program; BusyBox needs some or none, depending on Debian's package.
add_libraries() {
    for library in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do
        cp --dereference --parents "$library" $root
    done
}

mkdir -p $root/bin $root/etc $root/tmp $root/var/lib/nginx $root/var/log/nginx
chmod 1777 $root/tmp
cp "$(command -v busybox)" $root/bin/busybox
add_libraries $root/bin/busybox
chroot $root /bin/busybox --install -s /bin
printf 'root:x:0:0::/:/bin/sh\nwww-data:x:33:33::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' >$root/etc/passwd
printf 'root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n' >$root/etc/group
tar -C $root -cf /run/busybox.tar .

mkdir -p $root/etc/nginx $root/run $root/usr/share/nginx/html
ln -s /dev/stdout $root/var/log/nginx/access.log # as in nginx's own image
ln -s /dev/stderr $root/var/log/nginx/error.log
cat >$root/etc/nginx/nginx.conf <<END
user nobody nogroup;
pid /run/nginx.pid;
events {}
http { server { listen 80; root /usr/share/nginx/html; } }
END
echo 'served by nginx' >$root/usr/share/nginx/html/index.html
for program in "$(command -v nginx)" "$(command -v ipcmk)"; do
    cp --dereference --parents "$program" $root
    add_libraries "$program"
done
tar -C $root -cf /run/nginx.tar .
