//! The first step of a run: the files are uploaded, after the user has agreed.

use serde_json::{Value, json};
use tokio::time::Duration;

use super::advice::Stage;
use super::out::Out;
use super::{Cost, MAX_IDLE_CALLS, Object, Steps, Uploaded, has_used_up};
use crate::commands::answer::{count, text};
use crate::commands::caller::{Done, Stopped};
use crate::commands::progress::Progress;
use crate::commands::render::render;
use crate::untrusted::quote;

const MAX_PATH_CHARS: usize = 300;

impl Steps<'_> {
    /// Uploads the missing files.
    pub(super) async fn upload(&mut self, path: &str, out: Option<&Out<'_>>) -> Result<Uploaded, Stopped> {
        let progress = Progress::with_lines(&self.context.terminal.err);
        progress.set("reading the files");
        let plan = self.plan(path, &progress).await?;
        drop(progress);
        let known = refused(&plan);
        self.tell_refused(&known);
        let (new, there) = (count(&plan, "would_upload"), count(&plan, "already_there"));
        if new + there == 0 {
            return Err(Stopped::for_good(format!(
                "{} contains no files that can be uploaded. Nothing was sent.",
                quote(&self.arguments.path.to_string_lossy(), MAX_PATH_CHARS)
            )));
        }
        // The directory is new, and so will the batch be. Otherwise only `create_batch` knows: LlamaCloud may have refused the others.
        if let Some(out) = out.filter(|_| there == 0) {
            out.check_for_new_batch()?;
        }
        let files = match new + there {
            1 => "1 file".to_owned(),
            some => format!("{some} files"),
        };
        let (what, cost) = match (new, there) {
            (_, 0) => (format!("{files} will be uploaded and processed"), Cost::Sure),
            (0, _) => (
                format!("{files} (already uploaded) will be processed"),
                Cost::UnlessDone,
            ),
            _ => (
                format!("{files} ({there} already uploaded, {new} to upload) will be processed"),
                Cost::Sure,
            ),
        };
        self.agree(&what, cost).await?;
        self.stage = Stage::Uploading;
        let progress = Progress::with_lines(&self.context.terminal.err);
        let mut idle = 0;
        loop {
            let upload = json!({ "path": path });
            let Done { data: step, took } = self.caller.call("upload_files", &upload, &progress).await?;
            let left_out = beyond(refused(&step), &known);
            // What could not be read may be readable again, and a batch without it would be paid for again then.
            let unread = count(&step, "unread");
            let is_complete = step.get("complete") == Some(&Value::Bool(true)) && unread == 0;
            if is_complete && count(&step, "uploaded") + count(&step, "already_there") == 0 {
                drop(progress);
                self.tell_refused(&left_out);
                return Err(Stopped::for_good(
                    "No file could be uploaded, so no batch was created.".to_owned(),
                ));
            }
            if is_complete {
                // What LlamaCloud refused is still in the folder. If something else is missing, it may come back, and a batch
                // over the rest would be paid for again then.
                if count(&step, "uploaded") + count(&step, "already_there") != new + there {
                    let now = self.plan(path, &progress).await?;
                    let is_same = now.get("directory_id") == step.get("directory_id");
                    if !is_same || count(&now, "would_upload") + count(&now, "already_there") != new + there {
                        drop(progress);
                        self.tell_refused(&left_out);
                        return Err(Stopped::for_good(format!(
                            "Not all of the {files} were uploaded, and the folder may have changed since you agreed, so no batch was \
                             created. Run the same command again in a minute: it begins with the files that the folder has then."
                        )));
                    }
                }
                progress.note(&format!("The files are in directory {}.", text(&step, "directory_id")));
                return Ok(Uploaded {
                    directory_id: text(&step, "directory_id").to_owned(),
                    left_out,
                    passed_over: known.iter().map(|reason| count(reason, "count")).sum(),
                });
            }
            idle = match unread {
                0 => idle_uploads(idle, count(&step, "uploaded"), took, self.context.config.timeout),
                _ => idle + 1,
            };
            if idle >= MAX_IDLE_CALLS {
                return Err(Stopped::for_now(text(&step, "summary").to_owned()));
            }
            if idle > 0 {
                self.pause(&progress).await?;
            }
        }
    }

    /// What `upload_files` would do.
    async fn plan(&mut self, path: &str, progress: &Progress<'_>) -> Result<Object, Stopped> {
        let dry_run = json!({ "path": path, "dry_run": true });
        loop {
            let plan = self.call("upload_files", &dry_run, progress).await?;
            if plan.contains_key("would_upload") {
                return Ok(plan);
            }
        }
    }

    /// Lists the files that will not be uploaded, so that nobody expects them later.
    fn tell_refused(&self, refused: &[Object]) {
        if !refused.is_empty() {
            let shown = Object::from_iter([(
                "not uploaded".to_owned(),
                refused.iter().cloned().map(Value::from).collect(),
            )]);
            let err = &self.context.terminal.err;
            err.say("These files are not uploaded:");
            err.line(&render(&shown, err));
        }
    }
}

/// How many calls in a row have ended early without a new file. A call that used up its time counts neither way: a large file
/// may be on its way, and the next call goes on with it.
fn idle_uploads(before: usize, uploaded: u64, took: Duration, limit: Duration) -> usize {
    match uploaded {
        0 if has_used_up(took, limit) => before,
        0 => before + 1,
        _ => 0,
    }
}

/// The files that `upload_files` does not upload, by reason.
fn refused(upload: &Object) -> Vec<Object> {
    let listed = |name: &str| upload.get(name).and_then(Value::as_array).into_iter().flatten();
    let mut reasons: Vec<_> = listed("refused").filter_map(Value::as_object).cloned().collect();
    let changed: Vec<_> = listed("changed").cloned().collect();
    if !changed.is_empty() {
        reasons.push(Object::from_iter([
            (
                "reason".to_owned(),
                "the directory has other content under the same name".into(),
            ),
            ("count".to_owned(), changed.len().into()),
            ("examples".to_owned(), changed.into()),
        ]));
    }
    reasons
}

/// What `now` refuses beyond `known`: the files that the user still expects to be uploaded.
fn beyond(now: Vec<Object>, known: &[Object]) -> Vec<Object> {
    let examples = |reason: &Object| {
        reason
            .get("examples")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let new = now.into_iter().filter_map(|mut reason| {
        let Some(before) = known.iter().find(|known| known.get("reason") == reason.get("reason")) else {
            return Some(reason);
        };
        let (mut names, known) = (examples(&reason), examples(before));
        names.retain(|name| !known.contains(name));
        // Files that no longer have the reason do not make up for others.
        let more = count(&reason, "count").saturating_sub(count(before, "count"));
        let more = more.max(names.len() as u64);
        reason.insert("count".to_owned(), more.into());
        reason.insert("examples".to_owned(), names.into());
        (more > 0).then_some(reason)
    });
    new.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_refused_before_the_user_agreed_is_not_expected() {
        let reasons = |json: Value| -> Vec<Object> { serde_json::from_value(json).unwrap() };
        let known = reasons(json!([
            { "reason": "empty", "count": 2, "examples": ["a.pdf", "b.pdf"] },
            { "reason": "too large", "count": 1, "examples": ["c.pdf"] },
            { "reason": "a link", "count": 1, "examples": ["f.pdf"] },
        ]));
        let now = reasons(json!([
            { "reason": "empty", "count": 3, "examples": ["a.pdf", "b.pdf", "d.pdf"] },
            { "reason": "too large", "count": 1, "examples": ["c.pdf"] },
            { "reason": "unreadable", "count": 1, "examples": ["e.pdf"] },
            { "reason": "a link", "count": 1, "examples": ["g.pdf"] },
        ]));
        let expected = reasons(json!([
            { "reason": "empty", "count": 1, "examples": ["d.pdf"] },
            { "reason": "unreadable", "count": 1, "examples": ["e.pdf"] },
            { "reason": "a link", "count": 1, "examples": ["g.pdf"] },
        ]));
        assert_eq!(beyond(now, &known), expected);
    }

    #[test]
    fn an_upload_that_takes_longer_than_a_call_is_not_idle() {
        let limit = Duration::from_secs(45);
        for (before, uploaded, seconds, expected) in [
            (0, 0, 40, 0),
            (4, 0, 40, 4),
            (4, 0, 45, 4),
            (0, 0, 1, 1),
            (4, 0, 30, 5),
            (4, 1, 1, 0),
            (4, 1, 40, 0),
        ] {
            let idle = idle_uploads(before, uploaded, Duration::from_secs(seconds), limit);
            assert_eq!(idle, expected, "{uploaded} in {seconds} s after {before}");
        }
    }
}
