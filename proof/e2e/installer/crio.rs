//! The installer and CRI-O.

use kit::messages::VERSION;
use kit::skip::{does_not_apply, is_installed};
use shared::host::Host;
use shared::{crio, ok, ready};

use super::{CONFIGURED, ONLY_THE_HOSTS_OWN, PAUSE, REAL, lines, other_pause, start_as};

/// Whatever file it is started with, and whatever store that names.
#[test]
fn it_is_served_where_it_looks() {
    if !ready(REAL) {
        return;
    }
    for (tool, driver) in [("podman", "vfs"), ("skopeo", "vfs"), ("skopeo", "")] {
        let hidden = ["containerd", "ctr", "docker", "dockerd", if tool == "podman" { "none" } else { "podman" }];
        let Some(host) = crio::host(&hidden) else { return };
        start(&host, driver);
        let line = format!("CRI-O: {PAUSE} is installed (before: nothing), checked by {tool}; ok\n");
        assert_eq!(host.install(&["--as", "configured"]), (0, line));
        let line = format!("CRI-O: configured: {CONFIGURED}; {PAUSE} is {}, checked by {tool}; ok", VERSION.trim());
        let (status, said) = host.install(&["--as", "configured", "--check"]);
        assert_eq!((status, lines(&said)), (0, vec![line.as_str(), ONLY_THE_HOSTS_OWN]));
        // The image is where CRI-O looks, and nowhere else.
        let driver = if driver.is_empty() { "overlay" } else { driver }; // skopeo's default
        let image = format!("containers-storage:[{driver}@/run/crio/storage+/run/crio/runroot]{PAUSE}");
        host.ok(&["skopeo", "inspect", "--raw", &image]);
        let elsewhere = format!("containers-storage:{PAUSE}");
        host.try_to(&["skopeo", "inspect", "--raw", &elsewhere]).expect_err("another store");
        what_was_there_before_comes_back(&host, &image, tool);
    }
}

fn start(host: &Host, driver: &str) {
    let config = format!(
        "[crio]\nroot = \"/run/crio/storage\"\nrunroot = \"/run/crio/runroot\"\nstorage_driver = \"{driver}\"\n\
         [crio.image]\npause_image = \"{CONFIGURED}\"\n{}",
        crio::config("runc")
    );
    host.write("/etc/crio/other.conf", &config);
    crio::start(host, &["--config", "/etc/crio/other.conf"]);
}

fn what_was_there_before_comes_back(host: &Host, image: &str, tool: &str) {
    ok("docker", &["save", "-o", &host.file("/run/other.tar").to_string_lossy(), &other_pause("other")]);
    host.ok(&["skopeo", "copy", "docker-archive:/run/other.tar", image]);
    // Newer releases of skopeo write other media types into the manifest that they copy.
    let id = || -> String {
        let manifest = host.ok(&["skopeo", "inspect", "--raw", image]);
        let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
        manifest["config"]["digest"].as_str().expect("a digest").to_owned()
    };
    let before = id();
    for names in [&["--as", "configured"][..], &[]] {
        assert_eq!(host.install(names).0, 0);
    }
    assert_ne!(id(), before);
    let (status, said) = host.install(&["--remove"]);
    assert!(status == 0 && said.ends_with(&format!("; put back: {PAUSE}; ok\n")), "{said}");
    assert_eq!(id(), before, "{tool}");
}

/// A 32-bit engine means a 32-bit userland, whatever the kernel is. Simulated: CRI-O, by such a program.
#[test]
fn the_architecture_is_the_engines() {
    if !ready(REAL) || !cfg!(target_arch = "x86_64") {
        return;
    }
    if !is_installed("gcc") {
        return does_not_apply("there is no gcc, which builds an engine for i386");
    }
    let host = Host::new(&["podman", "docker", "dockerd", "containerd"]);
    // With an argument, it prints a configuration by write(2) and ends; without one, it sleeps in pause(2).
    let source = r#"
        __asm__(".globl _start\n_start: pop %eax\n dec %eax\n jnz 2f\n1: mov $29, %eax\n int $0x80\n jmp 1b\n"
            "2: mov $4, %eax\n mov $1, %ebx\n mov $text, %ecx\n mov $22, %edx\n int $0x80\n"
            "mov $1, %eax\n mov $0, %ebx\n int $0x80\n text: .ascii \"pause_image = \\\"a/b:1\\\"\\n\"");
    "#;
    host.write("/run/crio.c", source);
    host.ok(&["gcc", "-m32", "-nostdlib", "-static", "-no-pie", "-o", "/usr/local/bin/crio", "/run/crio.c"]);
    start_as(&host, "crio", &["/usr/local/bin/crio"]);
    let (status, said) = host.install(&["--as", "configured"]);
    assert_eq!((status, said.as_str()), (1, "CRI-O: this installer has no pause for its architecture, i386\n"));
}
