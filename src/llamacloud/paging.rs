//! A list read to its end, page after page.

use super::{Error, ErrorKind, Page, Window};

/// No more pages are read: a list that never ends is faulty.
const MAX_PAGES: usize = 100;

/// A list as far as it has been read.
///
/// Asks for pages of the first size. The API documents no limits for it: where it refuses the size, or a page is too large to be
/// read, the next size is tried; `None` leaves the size to the API.
pub(crate) struct Reading<T> {
    pub(crate) items: Vec<T>,
    /// What stopped the reading before the end.
    pub(crate) error: Option<Error>,
    next: Option<Window>,
    smaller_sizes: std::array::IntoIter<Option<u32>, 2>,
    pages_left: usize,
    is_whole: bool,
}

impl<T> Reading<T> {
    pub(crate) fn new([first, smaller @ ..]: [Option<u32>; 3]) -> Self {
        Self {
            items: Vec::new(),
            error: None,
            next: Some(Window {
                page_size: first,
                page_token: None,
            }),
            smaller_sizes: smaller.into_iter(),
            pages_left: MAX_PAGES,
            is_whole: false,
        }
    }

    /// What to ask for next; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Window> {
        self.pages_left = self.pages_left.checked_sub(1)?;
        self.next.clone()
    }

    /// Whether the last page was read. `false` without an error: nobody wanted more, the list has too many pages, or a page
    /// names itself as the next one.
    pub(crate) const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Takes the answer. `wants_more` is given each item; reading continues if it returned true for the last one.
    pub(crate) fn take(&mut self, answer: Result<Page<T>, Error>, mut wants_more: impl FnMut(&T) -> bool) {
        let Some(mut window) = self.next.take() else { return };
        match answer {
            Ok(Page { items, next_page_token }) => {
                let mut goes_on = true;
                for item in items {
                    goes_on = wants_more(&item);
                    self.items.push(item);
                }
                self.is_whole = next_page_token.is_none();
                if goes_on && next_page_token.is_some() && next_page_token != window.page_token {
                    window.page_token = next_page_token;
                    self.next = Some(window);
                }
            }
            Err(error) if is_about_size(error.kind()) => match self.smaller_sizes.next() {
                Some(size) => {
                    window.page_size = size;
                    self.next = Some(window);
                }
                None => self.error = Some(error),
            },
            Err(error) => self.error = Some(error),
        }
    }
}

fn is_about_size(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Rejected { .. } | ErrorKind::TooLarge | ErrorKind::OversizedBody { .. }
    )
}
