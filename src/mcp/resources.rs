//! Resources: here the views that hosts with the Apps extension show beside a result.
//!
//! They are advertised only to clients that declare the extension, because some hosts turn `resources` into tools; the methods
//! answer everybody.

use serde_json::{Map, Value, json};

use super::error::ProtocolError;
use super::version::Revision;

/// The Apps extension. Source: SEP-1865, revision 2026-01-26.
pub const UI_EXTENSION: &str = "io.modelcontextprotocol/ui";
/// The type of a view. Source: the same.
pub const VIEW_TYPE: &str = "text/html;profile=mcp-app";

/// A view: one HTML document.
#[derive(Debug, Clone)]
pub struct View {
    /// `ui://…`; constant, since hosts keep it.
    pub uri: &'static str,
    /// Machine name.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// Makes the document, for a server that offers these tools.
    pub html: fn(&[&str]) -> String,
}

impl View {
    /// `_meta` of a tool whose results are shown in a view. The flat key is what older hosts read.
    pub fn meta_of_tool(uri: &str) -> Value {
        json!({ "ui": { "resourceUri": uri }, "ui/resourceUri": uri })
    }

    /// Shape: `{"uri": "ui://…", "name": "…", "title": "…", "mimeType": "…"}`. Source: `Resource`.
    pub(crate) fn listed(&self, revision: Revision) -> Value {
        let mut resource = Map::new();
        resource.insert("uri".to_owned(), json!(self.uri));
        resource.insert("name".to_owned(), json!(self.name));
        if revision.has_titles() {
            resource.insert("title".to_owned(), json!(self.title));
        }
        resource.insert("mimeType".to_owned(), json!(VIEW_TYPE));
        Value::Object(resource)
    }

    /// Shape: `{"uri": …, "mimeType": …, "text": "<!doctype html>…", "_meta": {"ui": {…}}}`. Source: `TextResourceContents`.
    fn contents(&self, offered: &[&str]) -> Value {
        json!({
            "uri": self.uri,
            "mimeType": VIEW_TYPE,
            "text": (self.html)(offered),
            "_meta": { "ui": { "prefersBorder": true } },
        })
    }
}

/// The contents of the view with this address, for a server that offers these tools: always exactly one.
///
/// # Errors
/// For an address that no view has, with the code of the revision.
pub(crate) fn read(views: &[View], offered: &[&str], uri: &str, revision: Revision) -> Result<Value, ProtocolError> {
    let view = views.iter().find(|view| view.uri == uri);
    let view = view.ok_or_else(|| ProtocolError::resource_not_found(uri, revision))?;
    Ok(json!([view.contents(offered)]))
}
