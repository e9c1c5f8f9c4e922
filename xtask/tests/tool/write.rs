//! How the tool writes files.

use std::fs;

use build::write;

use crate::small_disk::with_small_disk;

#[test]
fn a_full_disk_or_an_unwritable_target_leaves_what_was_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pause.tar");
    let in_the_way = file.join("more");
    with_small_disk(folder.path(), || {
        write(&file, b"old", 0o644).expect("there is room");
        let error = format!("{:#}", write(&in_the_way, b"new", 0o644).expect_err("it is no folder"));
        assert!(error.starts_with("cannot write "), "{error}");
        let error = format!("{:#}", write(&file, &[0; 20_000], 0o644).expect_err("there is no room"));
        assert!(error.contains("pause.tar: No space left on device"), "{error}");
        assert_eq!(fs::read(&file).expect("a file"), b"old");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing beside it");
    });
}
