//! The ledger holds for every seed: four of them, and the default one in the snapshots, at quick effort, every lemma that draws anything (a proof does not; the snapshots have those).

use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use proofs_checks::{Label, lemmas};

fn verdicts_are_those_on_record(seeds: std::ops::RangeInclusive<u64>) {
    let drawn = lemmas().iter().filter(|lemma| lemma.ledger != Label::Proved);
    let selection: Vec<&str> = drawn.flat_map(|lemma| ["--lemma", lemma.id]).collect();
    for seed in seeds {
        let output = Command::new(cargo_bin!("verify"))
            .args(&selection)
            .args(["--effort", "quick", "--quiet", "--seed", &seed.to_string()])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "seed {seed}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn some_seeds_give_the_verdicts_on_record() {
    verdicts_are_those_on_record(1..=2);
}

/// The rest takes minutes; the project's own check includes it.
#[test]
#[ignore = "minutes; run by .ci/run"]
fn more_seeds_give_the_verdicts_on_record() {
    verdicts_are_those_on_record(3..=4);
}
