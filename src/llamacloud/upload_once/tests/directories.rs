//! Directories: made once, and left alone while another process fills them.

use super::*;

const DIRECTORY: &str = r#"{"id":"dir-1","name":"docs-1","type":"ephemeral"}"#;

#[tokio::test]
async fn a_directory_is_made_once_whatever_becomes_of_the_answer() {
    for answer in ["201", "409", "503", "lost", "other"] {
        let made = Arc::new(Mutex::new(false));
        let api = Api::start(move |_, seen| {
            let mut made = made.lock().unwrap();
            if !seen.is_post() {
                let other = r#"{"id":"dir-0","name":"docs-10"}"#;
                return list(&if *made {
                    format!("{other},{DIRECTORY}")
                } else {
                    other.to_owned()
                });
            }
            assert_eq!(seen.body, r#"{"name":"docs-1","type":"ephemeral"}"#);
            *made = true;
            match answer {
                "201" => reply("201 Created", DIRECTORY),
                "409" => reply("409 Conflict", ""),
                "503" => reply("503 Service Unavailable", ""),
                "other" => reply("201 Created", r#"{"id":"dir-9","name":"somebody else's"}"#),
                _ => Reply::Close(Vec::new()),
            }
        })
        .await;
        let scope = Scope::default();
        let directory = || api.uploads.directory(&scope, "docs-1", soon());
        let (one, other) = tokio::join!(directory(), directory());
        assert_eq!(
            (one.unwrap().directory.id, other.unwrap().directory.id),
            ("dir-1".to_owned(), "dir-1".to_owned()),
            "{answer}"
        );
        assert_eq!(directory().await.unwrap().directory.id, "dir-1");
        assert_eq!(api.posts(), 1, "{answer}");
    }
}

/// The list lags, or the directory is gone again.
#[tokio::test]
async fn a_directory_that_the_list_does_not_show_is_remembered_for_a_while() {
    for (list_lag, posts) in [(Duration::from_mins(1), 1), (Duration::ZERO, 2)] {
        let policy = CreatePolicy { list_lag, ..policy() };
        let api = Api::with(policy, |_, seen| {
            if seen.is_post() {
                reply("201 Created", DIRECTORY)
            } else {
                list("")
            }
        })
        .await;
        for _ in 0..2 {
            let made = api.uploads.directory(&Scope::default(), "docs-1", soon()).await;
            assert!(made.unwrap().by_this_process);
        }
        assert_eq!(api.posts(), posts);
    }
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_says_why() {
    let api = Api::start(|_, seen| {
        if seen.is_post() {
            reply("403 Forbidden", "")
        } else {
            list("")
        }
    })
    .await;
    let made = api.uploads.directory(&Scope::default(), "docs-1", soon()).await;
    let Err(DirectoryNotMade::NotMade(error)) = made else {
        panic!("{made:?}")
    };
    assert_eq!(*error.kind(), ErrorKind::Forbidden);
}

/// The list of a directory that another process fills: one file more with each of the first three reads.
#[tokio::test]
async fn a_directory_that_another_process_fills_is_read_until_nothing_is_added() {
    for (by_this_process, files, reads) in [(false, 3, 4), (true, 1, 1)] {
        let count = Arc::new(AtomicUsize::new(0));
        let reads_made = Arc::clone(&count);
        let api = Api::start(move |_, _| {
            let read = count.fetch_add(1, Ordering::Relaxed) + 1;
            let items: Vec<_> = (0..read.min(3))
                .map(|number| stored("a.pdf").replace("dfl-1", &format!("dfl-{number}")))
                .collect();
            list(&items.join(","))
        })
        .await;
        let made = Made {
            directory: serde_json::from_str(DIRECTORY).unwrap(),
            by_this_process,
        };
        let found = api
            .uploads
            .files_when_quiet(&Scope::default(), &made, &directory_id(), soon())
            .await;
        assert_eq!(found.unwrap().unwrap().len(), files);
        assert_eq!(reads_made.load(Ordering::Relaxed), reads);
    }
}
