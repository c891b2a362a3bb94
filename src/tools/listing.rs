//! Lists: a page as large as an answer can hold, of a list that LlamaCloud pages or one that is in memory.

use serde::Serialize;

use super::call::Call;
use super::error::{Failure, explain};
use super::token::Token;
use super::wording::{number, plural};
use crate::llamacloud::{Error, ErrorKind, Page, Reading, Window};
use crate::mcp::{Json, ToolError};

/// How often a page is requested at most, each time a smaller one.
const MAX_REQUESTS: usize = 3;

/// What the tokens of lists in memory begin with; the position of the next entry follows.
const POSITION: &str = "entry-";

/// What an answer says about the page besides its entries.
#[derive(Debug, Clone, Default)]
pub(crate) struct PageEnd {
    /// Where the next page begins, as the model passes it.
    pub(crate) next_page_token: Option<String>,
    /// How many entries of this page are not in the answer.
    pub(crate) hidden: usize,
    /// Whether more pages follow that no request can reach.
    pub(crate) is_out_of_reach: bool,
}

impl PageEnd {
    /// Whether this page is not the last one.
    pub(crate) const fn has_more(&self) -> bool {
        self.next_page_token.is_some() || self.is_out_of_reach
    }

    /// How many entries the page has, and how many are in the answer. Shape: `1,200 files on this page`; a clause.
    pub(crate) fn count(&self, shown: usize, one: &str, many: &str) -> String {
        let count = shown + self.hidden;
        let place = if self.has_more() || self.hidden > 0 {
            " on this page"
        } else {
            ""
        };
        let fit = match self.hidden {
            0 => String::new(),
            _ => format!(", of which the first {} fit into this answer", number(shown)),
        };
        format!("{} {}{place}{fit}", number(count), plural(count, one, many))
    }

    /// The sentence about the pages that follow.
    pub(crate) fn more(&self) -> Option<&'static str> {
        if self.is_out_of_reach {
            return Some(
                "There are more, but LlamaCloud's page token is too long to be sent back: narrow the filters to see them.",
            );
        }
        let is_there = self.next_page_token.is_some();
        is_there.then_some("There are more: pass `next_page_token` as `page_token` and repeat the other arguments.")
    }
}

/// The first entries of a list.
pub(crate) struct Beginning<T> {
    pub(crate) entries: Vec<T>,
    /// Whether these are all.
    pub(crate) is_whole: bool,
}

/// Reads a list until there are at least this many entries. The sizes of its pages are those of [`Reading`].
///
/// # Errors
/// If a page cannot be read.
pub(crate) async fn read_beginning<T, F: Future<Output = Result<Page<T>, Error>>>(
    enough: usize,
    sizes: [Option<u32>; 3],
    fetch: impl Fn(Window) -> F,
) -> Result<Beginning<T>, Error> {
    let mut count = 0;
    let mut reading = Reading::new(sizes);
    while let Some(window) = reading.next() {
        reading.take(fetch(window).await, |_| {
            count += 1;
            count < enough
        });
    }
    let is_whole = reading.is_whole();
    match reading.error {
        Some(error) => Err(error),
        None => Ok(Beginning {
            entries: reading.items,
            is_whole,
        }),
    }
}

impl Call {
    /// The answer that shows one page of a list. One that is too long is requested again, smaller, because only the API can make the
    /// token that continues after a smaller page. If that does not help, the answer shows as many entries as fit.
    ///
    /// # Errors
    /// If the list cannot be read.
    pub(crate) async fn list<T, O: Serialize, F: Future<Output = Result<Page<T>, Error>>>(
        &self,
        failure: &Failure,
        page_size: u32,
        page_token: Option<Token>,
        fetch: impl Fn(Window) -> F,
        answer: impl Fn(&[T], PageEnd) -> O,
    ) -> Result<Json<O>, ToolError> {
        let max_chars = self.account.policy.max_result_chars;
        let has_token = page_token.is_some();
        let mut window = Window {
            page_size: Some(page_size),
            page_token: self.own_token(page_token)?,
        };
        let mut requests = 0;
        loop {
            let page = fetch(window.clone()).await;
            let Page { items, next_page_token } = page.map_err(|error| self.explain_page(failure, has_token, error))?;
            requests += 1;
            let has_more = next_page_token.is_some();
            let next_page_token = next_page_token.and_then(|token| self.account.page_tokens.show(token, max_chars / 3));
            let show = |shown: &[T]| {
                let end = PageEnd {
                    next_page_token: next_page_token.clone(),
                    hidden: items.len() - shown.len(),
                    is_out_of_reach: has_more && next_page_token.is_none(),
                };
                answer(shown, end)
            };
            let whole = Json::of(&show(&items))?;
            let chars = whole.chars();
            if chars <= max_chars {
                return Ok(whole);
            }
            let asked = window.page_size.map_or(0, |size| size as usize);
            let smaller = (items.len() * max_chars / chars * 9 / 10).max(1);
            // An API that serves more than requested will not serve less.
            if requests == MAX_REQUESTS || items.len() > asked || smaller >= items.len() {
                return self.fit(&items, show);
            }
            window.page_size = u32::try_from(smaller).ok();
        }
    }

    /// The answer that shows one page of a list that is in memory, from the entry that the token names.
    ///
    /// # Errors
    /// For a token that names none of the entries.
    pub(crate) fn page_of<T, O: Serialize>(
        &self,
        entries: &[T],
        page_size: u32,
        page_token: Option<&Token>,
        answer: impl Fn(&[T], PageEnd) -> O,
    ) -> Result<Json<O>, ToolError> {
        let first = match page_token {
            None => 0,
            Some(Token(token)) => {
                let position = token.strip_prefix(POSITION).and_then(|position| position.parse().ok());
                position.filter(|first| *first < entries.len()).ok_or_else(|| {
                    ToolError::new(
                        "`page_token` belongs to other arguments, or the list has become shorter. Start again without `page_token`.",
                    )
                })?
            }
        };
        let rest = entries.get(first..).unwrap_or_default();
        let page = rest.get(..page_size as usize).unwrap_or(rest);
        self.fit(page, |shown| {
            let next = first + shown.len();
            let end = PageEnd {
                next_page_token: (next < entries.len()).then(|| format!("{POSITION}{next}")),
                ..PageEnd::default()
            };
            answer(shown, end)
        })
    }

    /// The API's own token for one that a model passes.
    fn own_token(&self, token: Option<Token>) -> Result<Option<String>, ToolError> {
        let own = token.map(|Token(shown)| self.account.page_tokens.read(&shown).ok_or(()));
        own.transpose().map_err(|()| {
            ToolError::new(
                "`page_token` is damaged or no longer known. Nothing was sent. Start again without `page_token`.",
            )
        })
    }

    fn explain_page(&self, failure: &Failure, has_token: bool, error: Error) -> ToolError {
        let is_refused = match error.kind() {
            ErrorKind::NotFound => true,
            ErrorKind::Rejected { status, .. } => [400, 410, 422].contains(status),
            _ => false,
        };
        if has_token && is_refused {
            let text = format!(
                "{}: {}. `page_token` may have expired or belong to other arguments: start again without `page_token`.",
                failure.what,
                error.cause()
            );
            return ToolError::caused_by(text, error);
        }
        explain(failure, error, &self.context, &self.account)
    }
}
