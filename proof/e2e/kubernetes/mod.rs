//! Does pause hold pods in each Kubernetes runtime: through CRI, according to critest, and under a kubelet?
//!
//! `make e2e` runs what is not ignored; `make engines` runs everything, or what belongs to some engines.

mod critest;
mod few_pauses;
mod flag;
mod garbage_collection;
mod kubelet;
mod missing_image;
mod pod;
mod pod_of_the_document;
mod static_pods;
mod through_cri;
mod user_namespace;

use shared::runtime::Kind::{Containerd, CriO, Docker};
use shared::runtime::Oci::{Crun, Runc};
use shared::runtime::Store::{GraphDriver, OfContainerd};

/// Checks that `make engines ENGINES=NAME` finds tests for each line in proof/packages/engines/versions.
#[test]
fn each_version_has_tests() {
    let tests = concat!(include_str!("mod.rs"), include_str!("flag.rs"));
    let versions = std::fs::read_to_string(build::root().join("proof/packages/engines/versions")).expect("a file");
    let names: Vec<&str> = versions.lines().filter_map(|line| line.split(' ').next()).collect();
    let newest = names.iter().find(|name| name.starts_with("kubelet-"));
    assert_eq!(newest, Some(&kubelet::NEWEST), "proof/e2e/engines.sh takes the first one");
    for name in names.into_iter().filter(|name| *name != kubelet::NEWEST) {
        let is_run = ["containerd-", "cri-o-", "docker-", "kubelet-"].iter().any(|kind| name.starts_with(kind));
        assert!(!is_run || tests.contains(&name.replace(['-', '.'], "_")), "no test runs {name}");
    }
}

/// Makes a module of tests for each runtime, with its name.
macro_rules! tests_of {
    ($($(#[$attribute:meta])? $name:ident: $kind:expr, $oci:expr;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            $(#[$attribute])?
            fn passes_critest() {
                critest::passes($kind, $oci);
            }

            #[test]
            $(#[$attribute])?
            fn holds_static_pods() {
                static_pods::are_held($kind, $oci);
            }

            #[test]
            $(#[$attribute])?
            fn keeps_its_image() {
                garbage_collection::spares_it($kind, $oci);
            }

            #[test]
            $(#[$attribute])?
            fn holds_pods_with_users_of_their_own() {
                user_namespace::is_held($kind, $oci);
            }
        }
    )*};
}

tests_of! {
    containerd_2_4: Containerd("2.4"), Runc;
    cri_o_1_36: CriO("1.36"), Runc;
    containerd_1_6: Containerd("1.6"), Runc;
    #[ignore = "make engines runs it"]
    containerd_1_7: Containerd("1.7"), Runc;
    #[ignore = "make engines runs it"]
    containerd_2_0: Containerd("2.0"), Runc;
    #[ignore = "make engines runs it"]
    containerd_2_3: Containerd("2.3"), Runc;
    #[ignore = "make engines runs it"]
    docker_29_images_in_containerd: Docker("29", OfContainerd), Runc;
    #[ignore = "make engines runs it"]
    docker_29_images_of_its_own: Docker("29", GraphDriver), Runc;
    #[ignore = "make engines runs it"]
    containerd_2_4_with_crun: Containerd("2.4"), Crun;
    #[ignore = "make engines runs it"]
    cri_o_1_36_with_crun: CriO("1.36"), Crun;
}
