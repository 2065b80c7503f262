//! Every input that a fuzzer found worth keeping, through the check it was found for.

use fuzz_checks::CHECKS;
use std::path::Path;

#[test]
fn the_corpus_passes() {
    for (name, check) in CHECKS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(name);
        let mut inputs = 0;
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display())) {
            let path = entry.expect("a file of the corpus").path();
            let input = std::fs::read(&path).expect("a file of the corpus");
            let outcome = std::panic::catch_unwind(|| check(&input));
            assert!(outcome.is_ok(), "cargo fuzz run -s none {name} {}", path.display());
            inputs += 1;
        }
        assert!(inputs > 0, "{name} has no corpus");
    }
}

/// A target for every check, so that none is forgotten.
#[test]
fn every_check_has_a_target() {
    let manifest = include_str!("../../Cargo.toml");
    for (name, _) in CHECKS {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), CHECKS.len());
}
