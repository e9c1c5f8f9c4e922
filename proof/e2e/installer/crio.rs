//! The installer and CRI-O.

use kit::messages::VERSION;
use shared::host::Host;
use shared::{NAME, crio, ok, ready};

use super::{CONFIGURED, ONLY_THE_HOSTS_OWN, PAUSE, REAL, lines, other_pause};

/// Checks that the image goes where CRI-O looks, whatever file it is started with, and whatever store that names.
#[test]
fn it_is_served_where_it_looks() {
    if !ready(REAL) {
        return;
    }
    for driver in ["vfs", "overlay"] {
        let Some(host) = crio::host(&["containerd", "ctr", "docker", "dockerd"]) else { return };
        start(&host, driver);
        for before in ["nothing", "the same"] {
            let line = format!("CRI-O: {PAUSE} is installed (before: {before}), pinned; ok\n");
            assert_eq!(host.install(&["--as", "configured"]), (0, line));
        }
        let line = format!("CRI-O: configured: {PAUSE}; {PAUSE} is {}, pinned; ok", VERSION.trim());
        let (status, said) = host.install(&["--as", "configured", "--check"]);
        assert_eq!((status, lines(&said)), (0, vec![line.as_str(), ONLY_THE_HOSTS_OWN]));
        // The image is where CRI-O looks, and nowhere else.
        let image = format!("containers-storage:[{driver}@/run/crio/storage+/run/crio/runroot]{PAUSE}");
        host.ok(&["skopeo", "inspect", "--raw", &image]);
        let elsewhere = format!("containers-storage:{PAUSE}");
        host.try_to(&["skopeo", "inspect", "--raw", &elsewhere]).expect_err("another store");
        what_was_there_before_comes_back(&host, &image, driver);
    }
}

/// Checks a short name: pods start with it, but CRI-O compares names as they are written, so an unused image would be
/// deleted.
#[test]
fn a_short_name_is_not_pinned() {
    let Some(host) = crio::host(&["containerd", "ctr", "docker", "dockerd"]).filter(|_| ready(REAL)) else { return };
    let write = |name: &str| {
        let config = format!("[crio.image]\npause_image = \"{name}\"\n{}", crio::config("runc"));
        host.write("/etc/crio/crio.conf", &config);
    };
    write(CONFIGURED);
    let daemon = crio::start(&host, &[]);
    let advice = format!("not pinned; set pause_image to {PAUSE}, in full, and restart it");
    let line = format!("CRI-O: {PAUSE} is installed (before: nothing), {advice}\n");
    assert_eq!(host.install(&["--as", "configured"]), (0, line));
    // CRI-O does not run with what its file says now.
    write(PAUSE);
    let (status, said) = host.install(&["--as", "configured", "--check"]);
    assert!(status == 1 && said.contains(&advice), "{said}");
    daemon.stop();
    host.write("/run/environment", &format!("CONTAINER_PAUSE_IMAGE={NAME}\n"));
    let daemon = host.start(&["sh", "-c", "export $(cat /run/environment) && exec crio"]);
    daemon.until("CRI-O answers", || host.try_to(&["crio", "status", "info"]).is_ok());
    let line = format!("CRI-O: {NAME} is installed (before: nothing), pinned; ok\n");
    assert_eq!(host.install(&["--as", "configured"]), (0, line), "the name of its environment");
}

fn start(host: &Host, driver: &str) {
    let config = format!(
        "[crio]\nroot = \"/run/crio/storage\"\nrunroot = \"/run/crio/runroot\"\nstorage_driver = \"{driver}\"\n\
         [crio.image]\npause_image = \"{PAUSE}\"\n{}",
        crio::config("runc")
    );
    host.write("/etc/crio/other.conf", &config);
    crio::start(host, &["--config", "/etc/crio/other.conf"]);
}

fn what_was_there_before_comes_back(host: &Host, image: &str, tool: &str) {
    ok("docker", &["save", "-o", &host.file("/run/other.tar").to_string_lossy(), &other_pause("other")]);
    host.ok(&["skopeo", "copy", "docker-archive:/run/other.tar", image]);
    // Newer releases of skopeo write different media types into the manifest that they copy.
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
