//! What the trusted base stands on, and how long it is.

/// The files of the trusted base use the standard library, dashu-int, the number trait and each other, no floats of a finder.
#[test]
fn the_trusted_base_stands_on_little() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |name: &str| std::fs::read_to_string(source.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let production = |name: &str| read(name).split("#[cfg(test)]").next().unwrap_or_default().to_string();
    let mut names: Vec<String> =
        ["expression", "parse", "partial", "polynomial"].map(|name| format!("symbolic/{name}.rs")).into();
    // With every file that they consist of.
    let mut open =
        vec![("rigor/mod.rs".to_string(), "rigor"), ("symbolic/normal_form.rs".into(), "symbolic/normal_form")];
    while let Some((name, directory)) = open.pop() {
        let own = production(&name);
        let parts = own.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
        names.extend(parts.map(|part| format!("{directory}/{part}.rs")));
        names.push(name);
    }
    for name in ["rigor/ball.rs", "symbolic/normal_form/cancel.rs"] {
        assert!(names.iter().any(|own| own == name), "{name}: {names:?}");
    }
    // As long as its documentation says, which names every file once.
    let lines = |name: &String| production(name).lines().count();
    let rounded = |lines: usize| (lines + 50) / 100 * 100;
    let documentation = production("rigor/mod.rs");
    let total = names.iter().map(lines).sum();
    assert!(documentation.contains(&format!("has {} lines", rounded(total))), "{total} lines");
    let mut told = vec!["rigor/mod.rs".to_string()];
    for row in documentation.lines().filter_map(|line| line.strip_prefix("//! | ")) {
        let cells: Vec<&str> = row.split(" | ").collect();
        let Ok(stated) = cells[3].parse::<usize>() else { continue };
        let path = |file: &str| {
            let is_it = |name: &&String| name.ends_with(&format!("/{file}.rs")) && name.as_str() != "rigor/mod.rs";
            names.iter().find(is_it).unwrap_or_else(|| panic!("{file}")).clone()
        };
        let own: Vec<String> = cells[2].split('`').skip(1).step_by(2).map(path).collect();
        assert_eq!(rounded(own.iter().map(lines).sum()), stated, "{own:?}");
        told.extend(own);
    }
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    assert_eq!(sorted(told), sorted(names.clone()));
    for name in names {
        let production = production(&name);
        // Files of files are not looked at.
        let is_whole = name == "rigor/mod.rs" || name == "symbolic/normal_form.rs";
        assert!(is_whole || production.lines().all(|line| !line.starts_with("mod ")), "{name}");
        for line in production.lines().map(str::trim).filter(|line| line.starts_with("use ")) {
            // The parser's library reads tokens; of the symbolic engine only what these files define.
            let allowed = [
                "use std::",
                "use dashu_int::",
                "use dashu_ratio::RBig;",
                "use super::",
                "use moe_kernels::Real;",
                "use thiserror::Error;",
                "use winnow::",
                "use crate::symbolic::",
                "use crate::rigor::is_somewhere_not_zero;",
                "use limit::{EXPONENT, Limit};",
            ];
            assert!(allowed.iter().any(|start| line.starts_with(start)), "{line}");
            for finder in
                ["relations", "independence", "measured", "cone::", "coefficient::", "identify", "clarabel", "faer"]
            {
                let own = line.starts_with("use super::cone::") && finder == "cone::";
                assert!(own || !line.contains(finder), "{line}");
            }
        }
    }
}
