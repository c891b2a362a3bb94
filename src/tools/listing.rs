//! Lists: a page that is as large as an answer can hold.

use serde::Serialize;

use super::call::Call;
use super::error::{Failure, explain};
use super::token::Token;
use crate::llamacloud::{Error, ErrorKind, Page, Window};
use crate::mcp::{Json, ToolError};

/// How often a page is asked for at most, each time for a smaller one.
const MAX_REQUESTS: usize = 3;

/// What an answer says about the page besides its entries.
#[derive(Debug, Clone, Default)]
pub(crate) struct PageEnd {
    /// Where the next page begins, as the model passes it.
    pub(crate) next_page_token: Option<String>,
    /// How many entries of this page are not in the answer.
    pub(crate) hidden: usize,
    /// Whether more pages follow, which no request can ask for.
    pub(crate) is_out_of_reach: bool,
}

impl PageEnd {
    /// Whether this page is not the last one.
    pub(crate) const fn has_more(&self) -> bool {
        self.next_page_token.is_some() || self.is_out_of_reach
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

impl Call {
    /// The answer that shows one page of a list. One that is too long is asked for again, smaller, because only the API can make the
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
            // An API that serves more than it was asked for will not serve less.
            if requests == MAX_REQUESTS || items.len() > asked || smaller >= items.len() {
                return self.fit(&items, show);
            }
            window.page_size = u32::try_from(smaller).ok();
        }
    }

    /// The API's own token for one that a model passes.
    fn own_token(&self, token: Option<Token>) -> Result<Option<String>, ToolError> {
        let own = token.map(|Token(shown)| self.account.page_tokens.read(&shown).ok_or(()));
        own.transpose().map_err(|()| {
            ToolError::new(
                "`page_token` is damaged or not known any more. Nothing was sent. Start again without `page_token`.",
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
