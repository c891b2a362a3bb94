//! What is said about a page of batches.

use super::super::batch::{BatchFacts, MAX_ID_CHARS};
use super::super::listing::PageEnd;
use super::super::outcomes::FileCounts;
use super::super::wording::{number, plural};
use super::entry::Entry;
use crate::llamacloud::{Batch, BatchStatus};
use crate::untrusted::clean;

pub(super) fn summarize(entries: &[Entry], end: &PageEnd, left_out: &[&str]) -> String {
    let batches: Vec<&Batch> = entries.iter().map(|entry| &entry.batch).collect();
    if batches.is_empty() {
        return end.more().map_or_else(
            || "No batches found. Omit any filters, or use another project.".to_owned(),
            |more| format!("This page has no batches. {more}"),
        );
    }
    let count = end.count(batches.len(), "batch", "batches");
    let mut sentences = vec![format!("{count}: {}.", by_status(&batches))];
    if end.hidden > 0 {
        sentences.push("Filter by status, directory or date to see the others.".to_owned());
    }
    let is_uncounted = |entry: &Entry| entry.batch.status == BatchStatus::Completed && entry.counted.is_none();
    if entries.iter().any(is_uncounted) {
        sentences
            .push("COMPLETED does not mean that every file succeeded: `get_batch` counts the failed ones.".to_owned());
    }
    sentences.extend(counted(entries));
    sentences.extend(oldest_unfinished(&batches));
    if !left_out.is_empty() {
        let names: Vec<String> = left_out.iter().map(|name| format!("`{name}`")).collect();
        let are = plural(names.len(), "is", "are");
        let names = names.join(" and ");
        sentences.push(format!("To save space, {names} {are} left out; `get_batch` has them."));
    }
    sentences.extend(end.more().map(str::to_owned));
    sentences.join(" ")
}

/// Which batches hold files that did not succeed, or that are not known to have ended.
fn counted(entries: &[Entry]) -> Vec<String> {
    let counted = || {
        entries
            .iter()
            .filter_map(|entry| Some((entry, entry.counted.as_ref()?)))
    };
    let named = |which: &dyn Fn(&FileCounts, &BatchStatus) -> usize| {
        let named = counted().filter_map(|(entry, counted)| {
            let files = counted.files.as_ref()?;
            let id = clean(&entry.batch.id, MAX_ID_CHARS);
            let count = which(files, &entry.batch.status);
            (count > 0).then(|| format!("{id} ({} of {})", number(count), number(files.total())))
        });
        named.collect::<Vec<_>>()
    };
    let failed = named(&|files, _| files.problems());
    let unfinished = named(&|files, _| files.unfinished());
    let mut unread = named(&FileCounts::unknown);
    let without_files = counted().filter(|(_, counted)| counted.files.is_none());
    unread.extend(without_files.map(|(entry, _)| clean(&entry.batch.id, MAX_ID_CHARS)));
    let mut sentences = Vec::new();
    if !failed.is_empty() {
        sentences.push(format!("Files failed in {}; `get_batch` says why.", failed.join(", ")));
    } else if unread.is_empty() && counted().next().is_some() {
        sentences.push("So far, no file failed in the COMPLETED and CANCELLED batches on this page.".to_owned());
    }
    if !unfinished.is_empty() {
        sentences.push(format!(
            "Files are still queued or being processed in {}.",
            unfinished.join(", ")
        ));
    }
    if !unread.is_empty() {
        sentences.push(format!(
            "It is not known whether all files succeeded in {}.",
            unread.join(", ")
        ));
    }
    sentences
}

fn by_status(batches: &[&Batch]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for batch in batches {
        let status = batch.status.as_str();
        match counts.iter_mut().find(|(known, _)| *known == status) {
            Some((_, count)) => *count += 1,
            None => counts.push((status, 1)),
        }
    }
    let counts = counts
        .iter()
        .map(|(status, count)| format!("{count} {}", clean(status, 60)));
    counts.collect::<Vec<_>>().join(", ")
}

fn oldest_unfinished(batches: &[&Batch]) -> Option<String> {
    let unfinished = || batches.iter().filter(|batch| !batch.status.is_final());
    let oldest = unfinished().min_by_key(|batch| (batch.created().is_none(), batch.created()))?;
    let BatchFacts {
        id, status, created_at, ..
    } = BatchFacts::from(*oldest);
    let since = created_at.map_or(String::new(), |created_at| format!(", created {created_at}"));
    let which = if unfinished().count() == 1 {
        "Unfinished"
    } else {
        "The oldest unfinished batch on this page"
    };
    Some(format!(
        "{which}: {id} ({status}{since}); check its progress with `get_batch`."
    ))
}
