//! The published numbers, from the files that the Python tests read too.

use serde_json::Value;

/// All vectors of one kind in `vectors/<file>.json`.
pub fn load(files: &[&str], kind: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors");
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(format!("{folder}/{file}.json")).unwrap();
        let content: Value = serde_json::from_str(&text).unwrap();
        let vectors = content["vectors"].as_array().unwrap().iter();
        found.extend(vectors.filter(|vector| vector["kind"] == kind).cloned());
    }
    assert!(!found.is_empty());
    found
}

/// A field of hex digits.
pub fn octets(field: &Value) -> Vec<u8> {
    let hex = field.as_str().unwrap();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// A field of hex digits, of known length.
pub fn array<const N: usize>(field: &Value) -> [u8; N] {
    octets(field).try_into().unwrap()
}

/// A field of 32 bits.
pub fn number(field: &Value) -> u32 {
    field.as_u64().unwrap().try_into().unwrap()
}
