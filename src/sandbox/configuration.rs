//! Saved configurations and the built-in one.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::product::Product;

/// The built-in parse configuration.
pub const PRESET_PARSE: &str = "cfg-PARSE_AGENTIC";
/// A saved configuration of the parse product, tier `cost_effective`.
pub const SAVED_PARSE: &str = "cfg-parse-saved";
/// A saved configuration of the parse product, tier `fast`: its results have text and no markdown.
pub const SAVED_PARSE_FAST: &str = "cfg-parse-fast";
/// A saved configuration of the parse product, tier `agentic_plus`, whose tables come as markdown; two versions.
pub const SAVED_PARSE_TABLES: &str = "cfg-parse-tables";
/// A saved configuration of the extract product: one object for each file.
pub const SAVED_EXTRACT: &str = "cfg-extract-invoices";
/// A saved configuration of the extract product: an array of table rows.
pub const SAVED_EXTRACT_ROWS: &str = "cfg-extract-rows";
/// A saved configuration of the extract product: an array with one object for each page, with citations and confidence.
pub const SAVED_EXTRACT_CITED: &str = "cfg-extract-cited";

/// One version of a configuration.
#[derive(Clone, Debug)]
pub(super) struct Configuration {
    pub(super) id: String,
    /// Position in the order of creation.
    pub(super) serial: u64,
    pub(super) name: String,
    pub(super) product: Product,
    pub(super) parameters: Value,
    pub(super) created_at: Timestamp,
    pub(super) version: Timestamp,
    /// Presets work without being listed. Whether the API lists them is undocumented.
    pub(super) is_preset: bool,
}

impl Configuration {
    /// A parameter; null if it is not set.
    pub(super) fn parameter(&self, name: &str) -> &Value {
        self.parameters.get(name).unwrap_or(&Value::Null)
    }

    /// A parameter that is text, or nothing.
    pub(super) fn text(&self, name: &str) -> &str {
        self.parameter(name).as_str().unwrap_or_default()
    }

    pub(super) fn is_on(&self, pointer: &str) -> bool {
        self.parameters.pointer(pointer) == Some(&Value::Bool(true))
    }

    pub(super) fn credits_per_page(&self) -> u64 {
        self.product.credits_per_page(self.text("tier"))
    }
}

/// The configurations from the start, oldest version first.
pub(super) fn known(made_at: Timestamp) -> Vec<Configuration> {
    let later = made_at.checked_add(SignedDuration::from_hours(1)).unwrap_or(made_at);
    let all = [
        (
            PRESET_PARSE,
            "PARSE_AGENTIC",
            made_at,
            parse("agentic", "latest", false),
        ),
        (
            SAVED_PARSE,
            "Contracts, cost effective",
            made_at,
            parse("cost_effective", "latest", false),
        ),
        (
            SAVED_PARSE_FAST,
            "Plain text, fast",
            made_at,
            parse("fast", "2026-06-15", false),
        ),
        (
            SAVED_PARSE_TABLES,
            "Annual reports",
            made_at,
            parse("agentic_plus", "latest", false),
        ),
        (
            SAVED_PARSE_TABLES,
            "Annual reports",
            later,
            parse("agentic_plus", "2026-08-19", true),
        ),
        (
            SAVED_EXTRACT,
            "Invoice fields",
            made_at,
            extract("cost_effective", "per_doc", false, &invoice()),
        ),
        (
            SAVED_EXTRACT_ROWS,
            "Order lines",
            made_at,
            extract("agentic_plus", "per_table_row", false, &order_line()),
        ),
        (
            SAVED_EXTRACT_CITED,
            "Figures by page",
            made_at,
            extract("agentic", "per_page", true, &figures()),
        ),
    ];
    let make = |(serial, (id, name, version, (product, parameters)))| {
        let id: &str = id;
        Configuration {
            id: id.to_owned(),
            serial,
            name: str::to_owned(name),
            product,
            parameters,
            created_at: made_at,
            version,
            is_preset: id == PRESET_PARSE,
        }
    };
    (0..).zip(all).map(make).collect()
}

fn parse(tier: &str, version: &str, tables_as_markdown: bool) -> (Product, Value) {
    let tables = json!({ "output_tables_as_markdown": tables_as_markdown });
    let parameters = json!({
        "product_type": "parse_v2",
        "tier": tier,
        "version": version,
        "output_options": { "markdown": { "tables": tables } },
    });
    (Product::Parse, parameters)
}

fn extract(tier: &str, target: &str, cited: bool, properties: &Value) -> (Product, Value) {
    let parameters = json!({
        "product_type": "extract_v2",
        "tier": tier,
        "version": "latest",
        "extraction_target": target,
        "data_schema": { "type": "object", "properties": properties },
        "cite_sources": cited,
        "confidence_scores": cited,
    });
    (Product::Extract, parameters)
}

fn invoice() -> Value {
    json!({
        "invoice_number": { "type": "string" },
        "total": { "type": "number" },
        "currency": { "type": "string" },
    })
}

fn order_line() -> Value {
    json!({
        "article": { "type": "string" },
        "quantity": { "type": "integer" },
        "price": { "type": "number" },
        "delivered": { "type": "boolean" },
    })
}

fn figures() -> Value {
    let figure = json!({ "label": { "type": "string" }, "value": { "type": "number" } });
    json!({
        "heading": { "type": "string" },
        "figures": { "type": "array", "items": { "type": "object", "properties": figure } },
    })
}
