//! The disk of a host that systemd boots.

use std::fs;
use std::path::{Path, PathBuf};

use kit::machine::is_qemu;

use crate::tools::ok;

/// A disk, which is emptied when this is dropped.
pub struct Disk(PathBuf);

impl Disk {
    /// Makes a disk. A host that boots from it starts containerd and a kubelet, whose unit the test writes.
    #[expect(clippy::new_without_default, reason = "it writes files")]
    pub fn new() -> Self {
        let disk = Self(ok("mktemp", &["-d", "/run/disk-XXXXXX"]).trim().into());
        disk.write("etc/systemd/system/host.target", "[Unit]\nWants=basic.target containerd.service kubelet.service\n");
        // All boots have the ID of this machine's boot, and would look like one.
        disk.write("upper/etc/systemd/journald.conf.d/volatile.conf", "[Journal]\nStorage=volatile\n");
        if is_qemu() {
            // The installer takes longer there than its unit allows.
            let limit = "upper/usr/lib/systemd/system/pause-install.service.d/emulated.conf";
            disk.write(limit, "[Service]\nTimeoutSec=600\n");
        }
        disk
    }

    /// Returns its directory, which contains the directories of engines and systemd under their own paths, and all else
    /// in `upper`.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, and creates the directories that lead to it.
    pub fn write(&self, path: &str, text: &str) {
        let file = self.path().join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, text).expect("a file");
    }

    /// Installs the programs of a directory: in place of the machine's own, or in /usr/local/bin.
    pub fn install_programs(&self, folder: &Path) {
        for program in fs::read_dir(folder).expect("a folder") {
            self.install_program(&program.expect("a program").path());
        }
    }

    /// Installs one program in the same way.
    pub fn install_program(&self, program: &Path) {
        let name = program.file_name().expect("a name");
        let is_here = |folder: &&str| Path::new(folder).join(name).exists();
        let place = ["/usr/bin", "/usr/sbin"].into_iter().find(is_here).unwrap_or("/usr/local/bin");
        let place = self.path().join(format!("upper{place}"));
        fs::create_dir_all(&place).expect("a folder");
        fs::copy(program, place.join(name)).expect("a file");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(self.path());
    }
}
