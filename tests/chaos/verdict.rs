//! What an answer tells its reader.

use serde_json::Value;

use crate::rpc::Message;

/// An answer of `create_batch`, as a model understands it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    Created {
        id: String,
    },
    Recovered {
        id: String,
    },
    AlreadyThere {
        id: String,
    },
    /// With the arguments for `list_batches` that will show whether there is a batch.
    Unknown {
        look: Value,
    },
    NotCreated,
    /// Something that no create may say.
    Odd(String),
}

impl Verdict {
    pub(crate) fn of(answer: &Message) -> Self {
        let result = answer.result();
        let text = result["content"][0]["text"].as_str().unwrap_or_default();
        if result["isError"] == true {
            return Self::of_error(text);
        }
        let content = &result["structuredContent"];
        let id = content["id"].as_str().unwrap_or_default().to_owned();
        if id.is_empty() || !content["summary"].as_str().is_some_and(|summary| summary.contains(&id)) {
            return Self::Odd(format!("{answer:?}"));
        }
        match (
            content["created"].as_bool(),
            content["recovered"].as_bool().unwrap_or(false),
        ) {
            (Some(true), false) => Self::Created { id },
            (Some(true), true) => Self::Recovered { id },
            (Some(false), false) => Self::AlreadyThere { id },
            _ => Self::Odd(format!("{answer:?}")),
        }
    }

    fn of_error(text: &str) -> Self {
        if text.starts_with("No batch was created: ") {
            return Self::NotCreated;
        }
        let warns = text.starts_with("The outcome is unknown") && text.contains("Do not call `create_batch`");
        match arguments(text) {
            Some(look) if warns && text.contains("`list_batches`") => Self::Unknown { look },
            _ => Self::Odd(text.to_owned()),
        }
    }

    /// The batch that it names.
    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Self::Created { id } | Self::Recovered { id } | Self::AlreadyThere { id } => Some(id),
            Self::Unknown { .. } | Self::NotCreated | Self::Odd(_) => None,
        }
    }
}

/// Of the JSON objects in a text, the first that names a source directory.
fn arguments(text: &str) -> Option<Value> {
    let objects = text.match_indices('{').filter_map(|(start, _)| {
        let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
        values.next()?.ok()
    });
    objects
        .into_iter()
        .find(|object| object["source_directory_id"].is_string())
}
