//! Every cell of the matrix, one test for each fault.

use futures_util::StreamExt;
use futures_util::stream::iter;

use crate::cell::play;
use crate::matrix::{Fault, cells};

/// So many cells of a test are under way at the same time. They mostly wait.
const AT_ONCE: usize = 100;

async fn play_all(fault: Fault) {
    let cells = cells(fault);
    let count = cells.len();
    let playing = iter(cells).map(play).buffer_unordered(AT_ONCE);
    let reports: Vec<_> = playing.filter_map(async |played| played.err()).collect().await;
    assert!(
        reports.is_empty(),
        "{} of {count} cells failed:\n{}",
        reports.len(),
        reports.join("\n")
    );
}

macro_rules! test_each_fault {
    ($($name:ident: $fault:ident,)*) => {$(
        #[tokio::test]
        async fn $name() {
            play_all(Fault::$fault).await;
        }
    )*};
}

test_each_fault! {
    nothing_goes_wrong: None,
    the_connection_is_refused: Refused,
    the_request_is_reset_unread: ResetUnread,
    the_request_is_reset_half_read: HalfRequest,
    the_answer_is_lost: LostAfterCommit,
    the_answer_never_comes: SilenceAfterCommit,
    the_answer_is_cut_short: HalfAnswer,
    the_batch_is_made_and_called_an_error: ErrorAfterCommit,
    the_batch_is_made_and_called_elsewhere: SeeOther,
    the_api_fails: ErrorBeforeCommit,
    the_api_is_not_available: Unavailable,
    the_api_is_asked_too_often: TooMany,
    the_api_redirects_to_itself: RedirectHere,
    the_api_redirects_to_another: RedirectElsewhere,
}
