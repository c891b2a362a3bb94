//! Reading the body of `POST /api/v2/batches` as the API does. Whether directory and configuration exist is not decided here.

use axum::http::{HeaderMap, header::CONTENT_TYPE};
use serde_json::{Map, Value, json};

use super::{
    errors::{Problems, Reply},
    route::Product,
};

/// What a create asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CreateRequest {
    pub(super) source_directory_id: String,
    pub(super) product: Product,
    pub(super) configuration_id: String,
}

/// Reads a body and adds what is wrong with it to the faults of the query.
///
/// # Errors
/// 422 with every fault of the request.
pub(super) fn read(headers: &HeaderMap, bytes: &[u8], mut problems: Problems) -> Result<CreateRequest, Reply> {
    let body = decode(headers, bytes, &mut problems);
    let request = body.and_then(|body| create_request(&body, &mut problems));
    problems.finish()?;
    // Without a fault there is a request; were there none, an empty 422 says so.
    request.ok_or_else(|| Reply::refusal(axum::http::StatusCode::UNPROCESSABLE_ENTITY, "Unprocessable body"))
}

fn decode(headers: &HeaderMap, bytes: &[u8], problems: &mut Problems) -> Option<Value> {
    if bytes.is_empty() {
        problems.add(json!(["body"]), "missing", "Field required", Value::Null);
        return None;
    }
    if !is_json(headers) {
        return Some(Value::String(String::from_utf8_lossy(bytes).into_owned()));
    }
    match serde_json::from_slice(bytes) {
        Ok(value) => Some(value),
        Err(error) => {
            let earlier = bytes.split(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
            let offset = earlier.map(|line| line.len() + 1).sum::<usize>() + error.column().saturating_sub(1);
            let ctx = json!({ "error": "Expecting value" });
            problems.add_with(
                json!(["body", offset]),
                "json_invalid",
                "JSON decode error",
                json!({}),
                ctx,
            );
            None
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn create_request(body: &Value, problems: &mut Problems) -> Option<CreateRequest> {
    let whole = object(body, &json!(["body"]), problems)?;
    check_webhooks(whole, problems);
    let source_directory_id = string(whole, "source_directory_id", &["body"], problems);
    let config = child(whole, "config", &["body"], problems)?;
    let job = child(config, "job", &["body", "config"], problems)?;
    let path = ["body", "config", "job"];
    let job_type = required(job, "type", &path, problems).and_then(|value| {
        let product = value.as_str().and_then(Product::from_job_type);
        if product.is_none() {
            let accepted = Product::ALL.map(Product::job_type);
            problems.add_unlisted(json!(["body", "config", "job", "type"]), &accepted, value.clone());
        }
        product
    });
    let configuration_id = string(job, "configuration_id", &path, problems);
    Some(CreateRequest {
        source_directory_id: source_directory_id?,
        product: job_type?,
        configuration_id: configuration_id?,
    })
}

/// The webhook members: their types are checked, nothing is ever sent.
fn check_webhooks(body: &Map<String, Value>, problems: &mut Problems) {
    let ids = "webhook_configuration_ids";
    if let Some(list) = optional_list(body, ids, problems) {
        if list.len() > 4 {
            let msg = format!("List should have at most 4 items after validation, not {}", list.len());
            let ctx = json!({ "field_type": "List", "max_length": 4, "actual_length": list.len() });
            problems.add_with(json!(["body", ids]), "too_long", msg, json!(list), ctx);
        }
        for (index, id) in list.iter().enumerate().filter(|(_, id)| !id.is_string()) {
            problems.add(
                json!(["body", ids, index]),
                "string_type",
                "Input should be a valid string",
                id.clone(),
            );
        }
    }
    let inline = "webhook_configurations";
    for (index, webhook) in optional_list(body, inline, problems).into_iter().flatten().enumerate() {
        let Some(webhook) = object(webhook, &json!(["body", inline, index]), problems) else {
            continue;
        };
        for name in ["webhook_url", "webhook_signing_secret", "webhook_output_format"] {
            if let Some(value) = webhook.get(name).filter(|value| !value.is_null() && !value.is_string()) {
                let loc = json!(["body", inline, index, name]);
                problems.add(loc, "string_type", "Input should be a valid string", value.clone());
            }
        }
    }
}

fn optional_list<'a>(body: &'a Map<String, Value>, name: &str, problems: &mut Problems) -> Option<&'a Vec<Value>> {
    let value = body.get(name).filter(|value| !value.is_null())?;
    if value.is_array() {
        return value.as_array();
    }
    problems.add(
        json!(["body", name]),
        "list_type",
        "Input should be a valid list",
        value.clone(),
    );
    None
}

fn object<'a>(value: &'a Value, loc: &Value, problems: &mut Problems) -> Option<&'a Map<String, Value>> {
    if let Some(members) = value.as_object() {
        return Some(members);
    }
    let msg = "Input should be a valid dictionary or object to extract fields from";
    problems.add(loc.clone(), "model_attributes_type", msg, value.clone());
    None
}

fn child<'a>(
    parent: &'a Map<String, Value>,
    name: &str,
    path: &[&str],
    problems: &mut Problems,
) -> Option<&'a Map<String, Value>> {
    let value = required(parent, name, path, problems)?;
    object(value, &below(path, name), problems)
}

fn required<'a>(
    parent: &'a Map<String, Value>,
    name: &str,
    path: &[&str],
    problems: &mut Problems,
) -> Option<&'a Value> {
    let value = parent.get(name);
    if value.is_none() {
        problems.add(below(path, name), "missing", "Field required", json!(parent));
    }
    value
}

fn string(parent: &Map<String, Value>, name: &str, path: &[&str], problems: &mut Problems) -> Option<String> {
    let value = required(parent, name, path, problems)?;
    if value.is_string() {
        return value.as_str().map(str::to_owned);
    }
    problems.add(
        below(path, name),
        "string_type",
        "Input should be a valid string",
        value.clone(),
    );
    None
}

fn below(path: &[&str], name: &str) -> Value {
    let mut loc = path.to_vec();
    loc.push(name);
    json!(loc)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::sandbox::errors::Content;

    /// The `loc` and `type` of each fault in a body.
    fn faults(body: &str) -> Vec<(Value, String)> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let Err(reply) = read(&headers, body.as_bytes(), Problems::default()) else {
            return Vec::new();
        };
        let Content::Json(answer) = reply.content else {
            panic!("not JSON")
        };
        let fault = |fault: &Value| (fault["loc"].clone(), fault["type"].as_str().unwrap().to_owned());
        answer["detail"].as_array().unwrap().iter().map(fault).collect()
    }

    fn check(body: &str, expected: &[(Value, &str)]) {
        let expected: Vec<(Value, String)> = expected
            .iter()
            .map(|(loc, kind)| (loc.clone(), (*kind).into()))
            .collect();
        assert_eq!(faults(body), expected, "{body}");
    }

    #[test]
    fn bodies_are_judged_as_pydantic_does() {
        check(
            r#"{"source_directory_id":"dir-a","config":{"job":{"type":"parse_v2","configuration_id":"cfg-a"}},"more":1}"#,
            &[],
        );
        check("", &[(json!(["body"]), "missing")]);
        check("{", &[(json!(["body", 0]), "json_invalid")]);
        check("[]", &[(json!(["body"]), "model_attributes_type")]);
        check(
            "{}",
            &[
                (json!(["body", "source_directory_id"]), "missing"),
                (json!(["body", "config"]), "missing"),
            ],
        );
        check(
            r#"{"source_directory_id":7,"config":{"job":{"type":"split_v1"}}}"#,
            &[
                (json!(["body", "source_directory_id"]), "string_type"),
                (json!(["body", "config", "job", "type"]), "literal_error"),
                (json!(["body", "config", "job", "configuration_id"]), "missing"),
            ],
        );
    }

    #[test]
    fn a_body_of_another_type_is_not_an_object() {
        let reply = read(&HeaderMap::new(), b"{}", Problems::default()).unwrap_err();
        let Content::Json(answer) = reply.content else {
            panic!("not JSON")
        };
        assert_eq!(answer["detail"][0]["type"], "model_attributes_type");
    }
}
