//! Spec files: TOML or JSON by their ending.

use std::fs;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use serde::de::DeserializeOwned;

use crate::status::Failure;

/// Reads a spec. The messages of the type's own deserialisation are kept, so a type that denies unknown fields
/// names the key and those allowed.
///
/// # Errors
/// Bad input, told with the file and, where there is one, the line, the column and the key.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    parse(path).with_context(|| path.display().to_string()).map_err(Failure::Input)
}

fn parse<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    if ending != "toml" && ending != "json" {
        bail!("found the ending {:?}, allowed is .toml or .json", format!(".{ending}"));
    }
    let text = fs::read_to_string(path).context("cannot be read")?;
    if ending == "toml" { toml(&text) } else { json(&text) }
}

fn toml<T: DeserializeOwned>(text: &str) -> anyhow::Result<T> {
    let place = |error: &toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        // The parser reports places at character boundaries; elsewhere the line alone is told apart.
        let before = text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("line {line}, column {column}")
    };
    let document =
        toml::Deserializer::parse(text).map_err(|error| anyhow!("{}: {}", place(&error), error.message()))?;
    serde_path_to_error::deserialize(document).map_err(|error| {
        let inner = error.inner();
        anyhow!("{}{}: {}", place(inner), key(error.path()), inner.message().trim())
    })
}

fn json<T: DeserializeOwned>(text: &str) -> anyhow::Result<T> {
    let mut document = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut document).map_err(|error| {
        let inner = error.inner();
        let message = inner.to_string();
        let suffix = format!(" at line {} column {}", inner.line(), inner.column());
        let message = message.strip_suffix(&suffix).unwrap_or(&message);
        anyhow!("line {}, column {}{}: {message}", inner.line(), inner.column(), key(error.path()))
    })?;
    document
        .end()
        .map_err(|error| anyhow!("line {}, column {}: text after the value", error.line(), error.column()))?;
    Ok(value)
}

/// The key of a value, for a message; the top level has none.
fn key(path: &serde_path_to_error::Path) -> String {
    let path = path.to_string();
    if path == "." { String::new() } else { format!(", {path}") }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Spec {
        order: u8,
        student: Option<Layer>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Layer {
        routers: Vec<Vec<f64>>,
    }

    fn outcome(name: &str, text: &str) -> Result<Spec, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        read(&path).map_err(|failure| match failure {
            Failure::Input(error) => {
                let message = format!("{error:#}");
                assert!(message.contains(name), "{message}");
                message.split_once(&format!("{name}: ")).unwrap().1.to_string()
            }
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn both_formats_are_read() {
        let spec = Spec { order: 3, student: Some(Layer { routers: vec![vec![1.0, 0.5]] }) };
        assert_eq!(outcome("a.toml", "order = 3\n[student]\nrouters = [[1.0, 0.5]]").unwrap(), spec);
        assert_eq!(outcome("a.json", r#"{"order": 3, "student": {"routers": [[1.0, 0.5]]}}"#).unwrap(), spec);
    }

    #[test]
    fn errors_name_the_place_what_was_found_and_what_is_allowed() {
        for (name, text, expected) in [
            (
                "a.toml",
                "order = 3\nordr = 4",
                "line 2, column 1, ordr: unknown field `ordr`, expected `order` or `student`",
            ),
            (
                "a.json",
                "{\"order\": 3,\n \"ordr\": 4}",
                "line 2, column 7, ordr: unknown field `ordr`, expected `order` or `student`",
            ),
            (
                "a.toml",
                "order = 3\n[student]\nrouters = [[1.0, \"x\"]]",
                "line 3, column 18, student.routers[0][1]: invalid type: string \"x\", expected f64",
            ),
            (
                "a.json",
                "{\"order\": 3, \"student\": {\"routers\": [[1.0], [true]]}}",
                "line 1, column 49, student.routers[1][0]: invalid type: boolean `true`, expected f64",
            ),
            ("a.toml", "order = ", "line 1, column 9: string values must be quoted, expected literal string"),
            ("a.json", "{\"order\": 1e999}", "line 1, column 15, order: number out of range"),
            ("a.json", "{\"order\": 3} x", "line 1, column 14: text after the value"),
            ("a.json", "", "line 1, column 0: EOF while parsing a value"),
            ("a.toml", "", "line 1, column 1: missing field `order`"),
            ("a.yaml", "order: 3", "found the ending \".yaml\", allowed is .toml or .json"),
            ("a", "order: 3", "found the ending \".\", allowed is .toml or .json"),
        ] {
            assert_eq!(outcome(name, text).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_bad_input() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["missing.toml", "directory.json", "binary.json"] {
            if name.starts_with("dir") {
                fs::create_dir(directory.path().join(name)).unwrap();
            } else if name.starts_with("bin") {
                fs::write(directory.path().join(name), [0xff, 0xfe]).unwrap();
            }
            let failure = read::<Spec>(&directory.path().join(name)).unwrap_err();
            assert!(matches!(&failure, Failure::Input(error) if format!("{error:#}").contains(name)), "{failure:?}");
        }
    }
}
