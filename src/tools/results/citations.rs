//! Where extracted values come from: the citations of an extract result as flat rows.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::json::{member, parts};
use crate::untrusted::clean;

/// Deeper than any schema of LlamaCloud's.
const MAX_DEPTH: usize = 32;
const MAX_TEXT_CHARS: usize = 300;

/// One citation of one value.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Citation {
    /// Path of the value, such as `lines[0].amount`.
    pub(crate) field: String,
    /// The page it was read from, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) page: Option<u64>,
    /// The words on that page, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// How sure LlamaCloud is, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) confidence: Option<f64>,
}

impl Citation {
    /// About how many bytes of memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.field.len() + self.text.as_ref().map_or(0, String::len)
    }
}

/// The rows of `extract_metadata.field_metadata`, as clean JSON, in its order; a value without citation and confidence has none.
pub(crate) fn citations(field_metadata: &str) -> Vec<Citation> {
    let mut rows = Vec::new();
    for (_, metadata) in parts(field_metadata).filter_map(member) {
        collect(metadata, "", MAX_DEPTH, &mut rows);
    }
    rows
}

fn collect(metadata: &str, field: &str, depth: usize, rows: &mut Vec<Citation>) {
    if depth == 0 {
        return;
    }
    if metadata.starts_with('[') {
        for (index, item) in parts(metadata).enumerate() {
            collect(item, &format!("{field}[{index}]"), depth - 1, rows);
        }
    } else if is_about_one_value(metadata) {
        let evidence: Value = serde_json::from_str(metadata).unwrap_or_default();
        let confidence = evidence.get("confidence").and_then(Value::as_f64);
        let cited = evidence.get("citation").and_then(Value::as_array);
        let row = |page: Option<u64>, text: Option<&str>| Citation {
            field: field.to_owned(),
            page,
            text: text.map(|text| clean(text, MAX_TEXT_CHARS)),
            confidence,
        };
        match cited.filter(|cited| !cited.is_empty()) {
            Some(cited) => rows.extend(cited.iter().map(|cited| {
                let text = cited.get("matching_text").and_then(Value::as_str);
                row(cited.get("page").and_then(Value::as_u64), text)
            })),
            None => rows.extend(confidence.map(|_| row(None, None))),
        }
    } else if metadata.starts_with('{') {
        for (name, member) in parts(metadata).filter_map(member) {
            let name: String = serde_json::from_str(name).unwrap_or_default();
            let name = clean(&name, MAX_TEXT_CHARS);
            let field = if field.is_empty() {
                name
            } else {
                format!("{field}.{name}")
            };
            collect(member, &field, depth - 1, rows);
        }
    }
}

/// Whether this describes one value. A value may itself be called `citation`, but is then an object.
fn is_about_one_value(metadata: &str) -> bool {
    let mut members = parts(metadata).filter(|_| metadata.starts_with('{')).filter_map(member);
    members.any(|(name, value)| match name {
        r#""citation""# => value.starts_with('['),
        r#""confidence""# => value.starts_with(|first: char| first.is_ascii_digit()),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::json;
    use super::*;

    #[test]
    fn each_citation_of_each_value_is_a_row() {
        let metadata = json!({ "document_metadata": {
            "total": { "citation": [{ "page": 3, "matching_text": "Total\u{202e} 12.50" }, { "page": 4 }], "confidence": 0.9 },
            "lines": [{ "amount": { "confidence": 0.5 } }, { "amount": { "reasoning": "none" } }],
        } });
        let rows = citations(&json::clean(&metadata.to_string()));
        let row = |field: &str, page, text: Option<&str>, confidence| Citation {
            field: field.to_owned(),
            page,
            text: text.map(str::to_owned),
            confidence,
        };
        assert_eq!(
            rows,
            [
                row("total", Some(3), Some("Total 12.50"), Some(0.9)),
                row("total", Some(4), None, Some(0.9)),
                row("lines[0].amount", None, None, Some(0.5)),
            ]
        );
    }

    #[test]
    fn metadata_of_another_shape_has_no_rows() {
        for metadata in [
            json!(null),
            json!([]),
            json!({ "document_metadata": 5 }),
            json!({ "row_metadata": [{}] }),
        ] {
            assert_eq!(citations(&metadata.to_string()), []);
        }
    }
}
