//! Files that change after they were found or while they are sent.

use std::fs;

use super::{Temporary, all};
use crate::files::*;

#[cfg(unix)]
#[test]
fn a_file_that_becomes_a_link_after_the_walk_is_not_read() {
    let temporary = Temporary::new();
    let secret = temporary.file("secret.pdf", "s");
    let inside = temporary.file("docs/sub/a.pdf", "a");
    let allowed = temporary.allowed("docs");
    let candidate = allowed.place(".").unwrap().files(&all()).unwrap().files.remove(0);
    assert!(candidate.content().is_ok());
    fs::remove_file(&inside).unwrap();
    std::os::unix::fs::symlink(&secret, &inside).unwrap();
    assert!(candidate.content().is_err());
    fs::remove_file(&inside).unwrap();
    fs::hard_link(&secret, &inside).unwrap();
    assert_eq!(candidate.content(), Err(Refusal::HardLink));
    fs::remove_dir_all(temporary.0.join("docs/sub")).unwrap();
    temporary.file("outside/a.pdf", "s");
    std::os::unix::fs::symlink(temporary.0.join("outside"), temporary.0.join("docs/sub")).unwrap();
    assert!(candidate.content().is_err(), "the folder on the way is a link now");
    fs::remove_file(temporary.0.join("docs/sub")).unwrap();
    assert_eq!(candidate.content(), Err(Refusal::Gone));
}

async fn received(candidate: &Candidate, content: &Content) -> (usize, bool) {
    let mut stream = candidate.stream(content, |_| ());
    let (mut bytes, mut is_whole) = (0, true);
    while let Some(piece) = stream.recv().await {
        match piece {
            Ok(piece) => bytes += piece.len(),
            Err(error) => is_whole = !error.get_ref().unwrap().is::<Changed>(),
        }
    }
    (bytes, is_whole)
}

#[tokio::test]
async fn a_file_that_changes_is_never_sent_whole() {
    let temporary = Temporary::new();
    let bytes = vec![7; 300_000];
    let path = temporary.file("docs/a.pdf", &bytes);
    let candidate = temporary
        .allowed("docs")
        .place("a.pdf")
        .unwrap()
        .files(&all())
        .unwrap()
        .files
        .remove(0);
    let content = candidate.content().unwrap();
    assert_eq!(content.sha256, sha256_hex([bytes.as_slice()]));
    assert_eq!(received(&candidate, &content).await, (300_000, true));

    let mut changed = bytes.clone();
    changed[1] = 8;
    for other in [
        changed,
        [bytes.as_slice(), b"more"].concat(),
        bytes[1..].to_vec(),
        Vec::new(),
    ] {
        fs::write(&path, &other).unwrap();
        let (sent, is_whole) = received(&candidate, &content).await;
        assert!(!is_whole && sent < 300_000, "{sent}");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(received(&candidate, &content).await, (0, false));
}

/// What is read before the change is sent; what comes after it never is.
#[tokio::test]
async fn a_file_that_changes_while_it_is_sent_is_not_sent_whole() {
    let temporary = Temporary::new();
    let bytes = vec![7; 2_000_000];
    let mut changed = bytes.clone();
    *changed.last_mut().unwrap() = 8;
    let grown = [bytes.as_slice(), b"more"].concat();
    for other in [changed, grown, bytes[..1_000_000].to_vec(), Vec::new()] {
        let path = temporary.file("docs/a.pdf", &bytes);
        let allowed = temporary.allowed("docs");
        let candidate = allowed.place("a.pdf").unwrap().files(&all()).unwrap().files.remove(0);
        let content = candidate.content().unwrap();
        let mut stream = candidate.stream(&content, |_| ());
        let first = stream.recv().await.unwrap().unwrap();
        fs::write(&path, &other).unwrap();
        let (mut sent, mut error) = (first.len(), None);
        while let Some(piece) = stream.recv().await {
            match piece {
                Ok(piece) => sent += piece.len(),
                Err(why) => error = Some(why),
            }
        }
        let error = error.unwrap_or_else(|| panic!("{} bytes were sent whole", other.len()));
        assert!(
            error.get_ref().unwrap().is::<Changed>() && sent < bytes.len(),
            "{sent}: {error}"
        );
    }
}

/// An upload can wait for the network as long as it likes: other work on files does not wait for it.
#[tokio::test]
async fn files_that_nobody_takes_off_hold_no_thread() {
    let temporary = Temporary::new();
    temporary.file("docs/a.pdf", vec![7; 1_000_000]);
    let allowed = temporary.allowed("docs");
    let candidate = allowed.place("a.pdf").unwrap().files(&all()).unwrap().files.remove(0);
    let content = candidate.content().unwrap();
    let mut streams: Vec<_> = (0..100).map(|_| candidate.stream(&content, |_| ())).collect();
    for stream in &mut streams {
        assert!(stream.recv().await.unwrap().is_ok());
    }
    let other = blocking(|| ());
    tokio::time::timeout(std::time::Duration::from_secs(30), other)
        .await
        .unwrap()
        .unwrap();
}
