//! Pages of a list, and spans of time as filters.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{extract::Instant, refusal::Refusal};

/// The part of a list that a request asks for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Paging {
    page_size: Option<PageSize>,
    page_token: Option<String>,
}

/// Bounds: those that the Files list declares. Other lists declare none.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "i64")]
struct PageSize(usize);

impl TryFrom<i64> for PageSize {
    type Error = &'static str;

    fn try_from(size: i64) -> Result<Self, &'static str> {
        let size = usize::try_from(size).ok().filter(|size| (1..=1000).contains(size));
        size.map(Self).ok_or("Input should be from 1 to 1000")
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(50)
    }
}

/// An inclusive span of time, open where a bound is missing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    pub(super) from: Option<Instant>,
    pub(super) to: Option<Instant>,
}

impl Span {
    pub(super) fn contains(self, instant: Timestamp) -> bool {
        self.from.is_none_or(|Instant(from)| instant >= from) && self.to.is_none_or(|Instant(to)| instant <= to)
    }
}

impl Paging {
    /// Cuts one page out of `items` and wraps it as the API does. `key` decreases from item to item; a token means "below this
    /// key", so nothing moves when an item is created or deleted between two pages.
    ///
    /// # Errors
    /// 400 for a token that no list has given out. The API documents no answer for it.
    pub(super) fn page<T>(
        &self,
        items: impl Iterator<Item = T>,
        key: impl Fn(&T) -> u64,
        show: impl Fn(&T) -> Value,
    ) -> Result<Value, Refusal> {
        let token = self.page_token.as_deref().filter(|token| !token.is_empty());
        let below = match token.map(read_token) {
            Some(None) => return Err(Refusal::bad_request("Invalid page token")),
            below => below.flatten(),
        };
        let mut rest = items
            .filter(|item| below.is_none_or(|below| key(item) < below))
            .peekable();
        let mut shown = Vec::new();
        let mut last = 0;
        for item in rest.by_ref().take(self.page_size.unwrap_or_default().0) {
            last = key(&item);
            shown.push(show(&item));
        }
        let next = rest.peek().map(|_| format!("pgt{last:016x}"));
        Ok(json!({ "items": shown, "next_page_token": next, "total_size": null }))
    }
}

fn read_token(token: &str) -> Option<u64> {
    let digits = token.strip_prefix("pgt").filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_a_gap() {
        let keys = [u64::MAX, 7, 5, 3, 1];
        let mut paging = Paging {
            page_size: Some(PageSize(2)),
            page_token: None,
        };
        let mut seen = Vec::new();
        loop {
            let page = paging.page(keys.iter(), |key| **key, |key| json!(key)).unwrap();
            let items = page["items"].as_array().unwrap();
            seen.extend(items.iter().map(|key| key.as_u64().unwrap()));
            let Some(token) = page["next_page_token"].as_str() else {
                break;
            };
            paging.page_token = Some(token.to_owned());
        }
        assert_eq!(seen, keys);
        paging.page_token = Some("pgt1".into());
        assert!(paging.page(keys.iter(), |key| **key, |key| json!(key)).is_err());
    }
}
