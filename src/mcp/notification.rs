//! The server's notifications, as lines.
//!
//! Ids and tokens of the client are written as the bytes in which they came: as a `Value`, a large integer would lose its last digits.

use serde::Serialize;
use serde_json::value::RawValue;

/// A notification as it is sent.
pub(crate) fn notification(method: &str, params: &impl Serialize) -> String {
    #[derive(Serialize)]
    struct Notification<'a, P> {
        jsonrpc: &'static str,
        method: &'a str,
        params: P,
    }
    let whole = Notification {
        jsonrpc: "2.0",
        method,
        params,
    };
    serde_json::to_string(&whole).unwrap_or_default()
}

/// `_meta` of a notification that belongs to a subscription. Source: 2026-07-28, `SubscriptionsListenRequest`.
#[derive(Serialize)]
pub(crate) struct SubscriptionMeta<'a> {
    #[serde(rename = "io.modelcontextprotocol/subscriptionId")]
    pub(crate) subscription_id: &'a RawValue,
}

/// What a subscription will bring. Source: 2026-07-28, `SubscriptionsAcknowledgedNotification`; ext-tasks for `taskIds`.
#[derive(Serialize)]
pub(crate) struct Acknowledged<'a> {
    pub(crate) notifications: Promised<'a>,
    #[serde(rename = "_meta")]
    pub(crate) meta: SubscriptionMeta<'a>,
}

/// What was requested, without whatever does not exist.
#[derive(Serialize)]
pub(crate) struct Promised<'a> {
    #[serde(rename = "taskIds", skip_serializing_if = "Vec::is_empty")]
    pub(crate) task_ids: Vec<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_keeps_all_its_digits() {
        let id = "118059162071741130342412345";
        let id = RawValue::from_string(id.to_owned()).unwrap();
        let params = Acknowledged {
            notifications: Promised { task_ids: Vec::new() },
            meta: SubscriptionMeta { subscription_id: &id },
        };
        assert_eq!(
            notification("notifications/subscriptions/acknowledged", &params),
            r#"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{},"_meta":{"io.modelcontextprotocol/subscriptionId":118059162071741130342412345}}}"#
        );
    }
}
