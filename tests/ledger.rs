//! The ledger holds for every seed: ten of them, at quick effort, every lemma.

use std::process::Command;

use assert_cmd::cargo::cargo_bin;

#[test]
fn ten_seeds_give_the_verdicts_on_record() {
    for seed in 1..=10 {
        let output = Command::new(cargo_bin!("verify"))
            .args(["--all", "--effort", "quick", "--quiet", "--seed", &seed.to_string()])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "seed {seed}: {}", String::from_utf8_lossy(&output.stdout));
    }
}
