//! Reading query parameters as the API does: by name, unknown ones ignored, all faults reported together.

use axum::{
    extract::Query,
    http::{StatusCode, Uri},
};
use jiff::{Timestamp, civil, tz::Offset};
use serde_json::{Value, json};

use super::{
    account,
    errors::{Problems, Reply},
};

/// Items a page holds when the request does not say.
const DEFAULT_PAGE: usize = 50;

/// Bounds of `page_size`. The batches document declares none; these are the ones the beta file list declares.
const PAGE_BOUNDS: (i64, i64) = (1, 1000);

/// The query of one request, and the faults found in it so far.
pub(super) struct Parameters {
    pairs: Vec<(String, String)>,
    pub(super) problems: Problems,
}

/// Which part of a list is asked for.
pub(super) struct Window {
    size: usize,
    token: Option<String>,
}

/// An inclusive span of time, open where it is `None`.
#[derive(Default)]
pub(super) struct Span {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl Parameters {
    pub(super) fn of(uri: &Uri) -> Self {
        let pairs = Query::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default();
        Self {
            pairs,
            problems: Problems::default(),
        }
    }

    /// The value of a parameter; the last one when it is repeated.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.pairs
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    }

    /// Every value of a repeated parameter.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.pairs
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
            .collect()
    }

    /// A value out of a closed set.
    pub(super) fn word(&mut self, name: &str, accepted: &[&str]) -> Option<String> {
        let value = self.text(name)?;
        if accepted.contains(&value.as_str()) {
            return Some(value);
        }
        self.problems
            .add_unlisted(json!(["query", name]), accepted, json!(value));
        None
    }

    /// Every value of a repeated parameter, out of a closed set.
    pub(super) fn words(&mut self, name: &str, accepted: &[&str]) -> Vec<String> {
        let values = self.all(name);
        for (index, value) in values.iter().enumerate() {
            if !accepted.contains(&value.as_str()) {
                self.problems
                    .add_unlisted(json!(["query", name, index]), accepted, json!(value));
            }
        }
        values
    }

    /// `project_id` and `organization_id`, as every operation takes them.
    pub(super) fn scope(&mut self) -> Scope {
        Scope {
            project: self.uuid("project_id"),
            organization: self.uuid("organization_id"),
        }
    }

    /// `page_size` and `page_token`.
    pub(super) fn window(&mut self) -> Window {
        let size = self
            .integer("page_size", PAGE_BOUNDS)
            .and_then(|size| usize::try_from(size).ok());
        Window {
            size: size.unwrap_or(DEFAULT_PAGE),
            token: self.text("page_token"),
        }
    }

    /// `<stem>_on_or_after` and `<stem>_on_or_before`.
    pub(super) fn span(&mut self, stem: &str) -> Span {
        Span {
            from: self.instant(&format!("{stem}_on_or_after")),
            to: self.instant(&format!("{stem}_on_or_before")),
        }
    }

    fn integer(&mut self, name: &str, (low, high): (i64, i64)) -> Option<i64> {
        let value = self.text(name)?;
        let loc = json!(["query", name]);
        let Ok(number) = value.trim().parse::<i64>() else {
            let msg = "Input should be a valid integer, unable to parse string as an integer";
            self.problems.add(loc, "int_parsing", msg, json!(value));
            return None;
        };
        if number < low {
            let msg = format!("Input should be greater than or equal to {low}");
            self.problems
                .add_with(loc, "greater_than_equal", msg, json!(value), json!({ "ge": low }));
        } else if number > high {
            let msg = format!("Input should be less than or equal to {high}");
            self.problems
                .add_with(loc, "less_than_equal", msg, json!(value), json!({ "le": high }));
        }
        Some(number)
    }

    fn instant(&mut self, name: &str) -> Option<Timestamp> {
        let value = self.text(name)?;
        let parsed = read_instant(&value);
        if parsed.is_none() {
            let error = if value.len() < 10 {
                "input is too short"
            } else {
                "invalid character in year"
            };
            let msg = format!("Input should be a valid datetime or date, {error}");
            let loc = json!(["query", name]);
            self.problems.add_with(
                loc,
                "datetime_from_date_parsing",
                msg,
                json!(value),
                json!({ "error": error }),
            );
        }
        parsed
    }

    fn uuid(&mut self, name: &str) -> Option<String> {
        let value = self.text(name)?;
        match read_uuid(&value) {
            Ok(uuid) => Some(uuid),
            Err(error) => {
                let msg = format!("Input should be a valid UUID, {error}");
                let loc = json!(["query", name]);
                self.problems
                    .add_with(loc, "uuid_parsing", msg, json!(value), json!({ "error": error }));
                None
            }
        }
    }
}

/// The project and organization a request names.
pub(super) struct Scope {
    project: Option<String>,
    organization: Option<String>,
}

impl Scope {
    /// # Errors
    /// 403 when one of them is not the sandbox account's.
    pub(super) fn check(&self) -> Result<(), Reply> {
        let foreign = |given: &Option<String>, own: &str| given.as_deref().is_some_and(|given| given != own);
        if foreign(&self.project, account::PROJECT_ID) {
            return Err(Reply::refusal(
                StatusCode::FORBIDDEN,
                "You do not have access to this project",
            ));
        }
        if foreign(&self.organization, account::ORGANIZATION_ID) {
            return Err(Reply::refusal(
                StatusCode::FORBIDDEN,
                "You do not have access to this organization",
            ));
        }
        Ok(())
    }
}

impl Span {
    pub(super) fn holds(&self, instant: Timestamp) -> bool {
        self.from.is_none_or(|from| instant >= from) && self.to.is_none_or(|to| instant <= to)
    }
}

impl Window {
    /// Cuts one page out of a list and wraps it as the API's lists are. `key` orders the items downwards: a token means "below this
    /// key", so that what is created between two pages moves nothing.
    ///
    /// # Errors
    /// 400 for a token that no list has given out. The API documents no answer for it.
    pub(super) fn page<T>(
        &self,
        items: impl Iterator<Item = T>,
        key: impl Fn(&T) -> u64,
        show: impl Fn(&T) -> Value,
    ) -> Result<Value, Reply> {
        let below = match &self.token {
            None => u64::MAX,
            Some(token) => {
                read_token(token).ok_or_else(|| Reply::refusal(StatusCode::BAD_REQUEST, "Invalid page token"))?
            }
        };
        let mut rest = items.filter(|item| key(item) < below).peekable();
        let mut shown = Vec::new();
        let mut last = 0;
        for item in rest.by_ref().take(self.size) {
            last = key(&item);
            shown.push(show(&item));
        }
        let next = rest.peek().map(|_| write_token(last));
        Ok(json!({ "items": shown, "next_page_token": next, "total_size": null }))
    }
}

/// A page token: the key, and what shows that it came from here.
fn write_token(key: u64) -> String {
    format!("pgt{key:016x}{:04x}", seal(key))
}

fn read_token(token: &str) -> Option<u64> {
    let key = u64::from_str_radix(token.strip_prefix("pgt")?.get(..16)?, 16).ok()?;
    (write_token(key) == token).then_some(key)
}

fn seal(key: u64) -> u64 {
    key.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(16) & 0xffff
}

/// RFC 3339, or without offset (UTC), or a date (its start), or a Unix time in seconds or milliseconds: what pydantic takes.
fn read_instant(text: &str) -> Option<Timestamp> {
    if text.contains('[') {
        return None;
    }
    if let Ok(number) = text.parse::<i64>() {
        let seconds_end = 20_000_000_000;
        return if number.abs() > seconds_end {
            Timestamp::from_millisecond(number).ok()
        } else {
            Timestamp::from_second(number).ok()
        };
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let local = text.parse::<civil::DateTime>().ok()?;
    Offset::UTC.to_timestamp(local).ok()
}

/// The hyphenated lower-case form of a UUID, or why the text is none.
fn read_uuid(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix("urn:uuid:").unwrap_or(text);
    let bare = bare
        .strip_prefix('{')
        .and_then(|inner| inner.strip_suffix('}'))
        .unwrap_or(bare);
    if let Some((at, odd)) = bare.char_indices().find(|(_, c)| !c.is_ascii_hexdigit() && *c != '-') {
        return Err(format!(
            "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found `{odd}` at {}",
            at + 1
        ));
    }
    let groups: Vec<&str> = bare.split('-').collect();
    let digits = groups.concat().to_ascii_lowercase();
    match groups.as_slice() {
        [_] if digits.len() != 32 => {
            return Err(format!(
                "invalid length: expected length 32 for simple format, found {}",
                digits.len()
            ));
        }
        [_] => {}
        groups if groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) => {}
        groups if groups.len() != 5 => {
            return Err(format!("invalid group count: expected 5, found {}", groups.len()));
        }
        _ => return Err("invalid group length in a group of the hyphenated format".to_owned()),
    }
    let group = |range| digits.get(range).unwrap_or_default();
    Ok([group(0..8), group(8..12), group(12..16), group(16..20), group(20..32)].join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_as_pydantic_does() {
        let day: Timestamp = "2026-11-24T00:00:00Z".parse().unwrap();
        for text in [
            "2026-11-24",
            "2026-11-24T00:00:00",
            "2026-11-24T01:00:00+01:00",
            "2026-11-24 00:00:00Z",
            "1795478400",
        ] {
            assert_eq!(read_instant(text), Some(day), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-11-24T00:00:00 00:00",
            "2026-11-24T00:00:00Z[UTC]",
        ] {
            assert_eq!(read_instant(text), None, "{text}");
        }
    }

    #[test]
    fn uuids_are_told_from_other_ids() {
        assert_eq!(read_uuid(account::PROJECT_ID).as_deref(), Ok(account::PROJECT_ID));
        assert_eq!(
            read_uuid(&account::PROJECT_ID.replace('-', "").to_uppercase()).as_deref(),
            Ok(account::PROJECT_ID)
        );
        assert!(read_uuid("prj-1").unwrap_err().starts_with("invalid character"));
        assert!(read_uuid("abc").unwrap_err().contains("found 3"));
        assert!(read_uuid("ab-c").unwrap_err().contains("found 2"));
    }

    #[test]
    fn pages_follow_each_other_without_gap() {
        let keys = [9_u64, 7, 5, 3, 1];
        let mut window = Window { size: 2, token: None };
        let mut seen = Vec::new();
        loop {
            let page = window.page(keys.iter(), |key| **key, |key| json!(key)).unwrap();
            seen.extend(
                page["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|key| key.as_u64().unwrap()),
            );
            let Some(token) = page["next_page_token"].as_str() else {
                break;
            };
            window.token = Some(token.to_owned());
        }
        assert_eq!(seen, keys);
        window.token = Some("pgt0000000000000001ffff".into());
        assert!(window.page(keys.iter(), |key| **key, |key| json!(key)).is_err());
    }
}
