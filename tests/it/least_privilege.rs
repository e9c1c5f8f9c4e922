//! Tests that pause works without any privilege, file or descriptor, and of what is mapped while it sleeps.

use std::fs;
use std::path::Path;

use kit::peers::{ours, upstream};
use kit::process::{End, Process, command};
use kit::skip::{has_namespaces, skip};
use nix::libc;
use nix::unistd::geteuid;
use procfs::process::{self, MMPermissions, MMapPath, MemoryMap};

/// Checks that pause starts as PID 1, reaps and stops as any user, without a capability or a way to get one, without a
/// descriptor, and in a read-only root that contains nothing else.
#[test]
fn runs_with_nothing_at_all() {
    if !geteuid().is_root() {
        return skip("not root, so it cannot run as another user");
    }
    for user in [0, 999, 65535, u32::MAX - 1] {
        if !has_namespaces() {
            return;
        }
        let process = with_nothing(ours(), user).ready();

        let status = process.status();
        assert_eq!([status.ruid, status.euid, status.suid, status.fuid], [user; 4]);
        assert_eq!([status.rgid, status.egid, status.sgid, status.fgid], [user; 4]);
        assert_eq!(status.groups, [0_u32; 0]);
        let capabilities =
            [status.capinh, status.capprm, status.capeff, status.capbnd.unwrap(), status.capamb.unwrap()];
        assert_eq!(capabilities, [0; 5]);
        assert_eq!(status.nonewprivs, Some(1));
        let proc = Path::new("/proc").join(process.id().to_string());
        assert_eq!(names(&proc.join("root")), ["pause"], "only itself");
        assert_eq!(names(&proc.join("fd")), [""; 0], "no descriptor");
        let mounts = fs::read_to_string(proc.join("mountinfo")).expect("its mounts");
        let root = mounts.lines().find(|line| line.contains(" / / ")).expect("a root");
        assert!(root.contains(" ro,"), "{root}");

        process.orphans(1, 100);
        process.without_children();
        assert_eq!(process.terminate(), End::silent(0));
    }
}

/// Starts `pause` as PID 1 and as `user`, with nothing else. Perl loads all that it needs before it gives that up.
fn with_nothing(pause: &Path, user: u32) -> Process {
    let numbers = [
        libc::PR_CAPBSET_DROP.into(),
        libc::PR_SET_NO_NEW_PRIVS.into(),
        libc::SYS_prctl,
        libc::SYS_chroot,
        libc::SYS_setgroups,
        libc::SYS_setgid,
        libc::SYS_setuid,
        libc::SYS_close_range,
    ];
    let give_up = r#"
        my ($user, $drop, $no_new_privs, @numbers) = map { $_ + 0 } @ARGV;
        my ($prctl, $chroot, $setgroups, $setgid, $setuid, $close) = @numbers;
        sub call { my $number = shift; syscall($number, @_) == 0 or die "$number: $!" }
        my ($capability, $here) = (0, ".");
        # Empties the bounding set, so that the exec of the last line leaves no capability.
        $capability++ while syscall($prctl, $drop, $capability, 0, 0, 0) == 0;
        call $prctl, $no_new_privs, 1, 0, 0, 0;
        call $chroot, $here;
        call $setgroups, 0, 0;
        call $setgid, $user;
        call $setuid, $user;
        call $close, 0, 2 ** 32 - 1, 0;
        exec "/pause""#;
    // Makes the future root in a mount namespace of its own: a disk with one file.
    let mount = r#"cd "${1%/*}" # stays in reach, even below /mnt
        mount -t tmpfs -o size=64k,mode=755 pause /mnt && cp "${1##*/}" /mnt/pause && mount -o remount,ro /mnt &&
        cd /mnt && shift && exec perl -e "$@""#;
    let mut start = command(["unshare", "--mount", "sh", "-euc", mount, "sh"]);
    start.arg(pause).arg(give_up).arg(user.to_string()).args(numbers.map(|number| number.to_string()));
    Process::pid1(start)
}

/// Checks that only the file, the stack, and what the kernel maps into every process are mapped, and that every address
/// differs at the next start.
#[test]
fn at_rest_one_page_of_the_file_and_a_stack_are_mapped() {
    if !has_namespaces() {
        return;
    }
    let start = |pause: &Path| {
        let process = Process::pid1(command([pause])).ready();
        let maps = process::Process::new(process.id()).and_then(|process| process.maps()).expect("its maps");
        maps.into_iter().filter(|map| !is_the_kernels(map)).collect::<Vec<_>>()
    };
    let writable = |maps: &[MemoryMap]| maps.iter().filter(|map| map.perms.contains(MMPermissions::WRITE)).count();

    let maps = start(ours());
    let [file, stack] = &maps[..] else { panic!("{maps:?}") };
    assert_eq!(file.pathname, MMapPath::Path(ours().to_owned()));
    assert_eq!(file.perms, MMPermissions::READ | MMPermissions::EXECUTE | MMPermissions::PRIVATE);
    assert_eq!(file.address.1 - file.address.0, procfs::page_size());
    assert_eq!(stack.pathname, MMapPath::Stack);
    assert_eq!(stack.perms, MMPermissions::READ | MMPermissions::WRITE | MMPermissions::PRIVATE);

    let again = start(ours());
    assert_ne!(file.address, again[0].address);
    assert_ne!(stack.address, again[1].address);

    if let Some(upstream) = upstream() {
        assert!(writable(&start(&upstream)) > 1, "a writable page would be seen");
        assert_eq!(start(&upstream)[0].address, start(&upstream)[0].address, "a fixed address would be seen");
    }
}

/// Returns whether the kernel maps `map` into every process, only to be read or executed.
fn is_the_kernels(map: &MemoryMap) -> bool {
    let named = matches!(&map.pathname, MMapPath::Vdso | MMapPath::Vvar | MMapPath::Vsyscall | MMapPath::Other(_));
    named && !map.perms.contains(MMPermissions::WRITE)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}
