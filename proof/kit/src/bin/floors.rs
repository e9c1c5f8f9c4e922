//! Builds target/floors/ARCHITECTURE/pause for each architecture that is named: a program that nothing can be below.

use build::arch::ALL;
use kit::floors;

fn main() {
    for name in std::env::args().skip(1) {
        let arch = ALL.iter().find(|arch| arch.name == name);
        floors::built("pause", arch.unwrap_or_else(|| panic!("{name}: no architecture of xtask/build/src/arch.rs")));
    }
}
