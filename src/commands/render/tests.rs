//! Results of every shape, at several widths.

use expect_test::{Expect, expect};
use serde_json::json;

use super::*;
use crate::commands::shell::quoted;

#[expect(clippy::needless_pass_by_value, reason = "literals")]
fn check(width: usize, data: Value, expected: Expect) {
    let text = render(data.as_object().unwrap(), &Output::of_width(width));
    for line in text.lines() {
        let is_one_word = !line.trim().contains("  ") && line.split_whitespace().count() <= 2;
        assert!(display_width(line) <= width || is_one_word, "{line}");
        assert!(!line.ends_with(' '), "{line:?}");
    }
    // Windows and POSIX shells quote this differently; the expected text has the POSIX form.
    let quoted = quoted("results_cursor=a b");
    expected.assert_eq(&(text.replace(&quoted, "'results_cursor=a b'") + "\n"));
}

fn files() -> Value {
    json!({
        "summary": "2 of 3 files failed.",
        "files": { "total": 3, "not_mapped": 1 },
        "results": [
            { "name": "plain.pdf", "status": "COMPLETED", "job_id": "pjb-0123456789" },
            { "name": "文書の長い名前です.pdf", "status": "FAILED", "job_id": "pjb-9876543210",
              "error": "it is encrypted, and nobody knows the password" },
            { "name": "a name with spaces.pdf", "status": "not_mapped", "error": "the type is unknown" },
        ],
        "next_results_cursor": "a b",
    })
}

#[test]
fn objects_become_a_table_or_records_and_nothing_is_lost() {
    check(
        80,
        files(),
        expect![[r#"
        2 of 3 files failed.

        files  total 3, not mapped 1

        NAME                    STATUS      JOB ID          ERROR
        plain.pdf               COMPLETED   pjb-0123456789
        文書の長い名前です.pdf  FAILED      pjb-9876543210  it is encrypted, and nobody
                                                            knows the password
        a name with spaces.pdf  not_mapped                  the type is unknown

        There is more. For the next page, repeat the command with this added:
          'results_cursor=a b'
    "#]],
    );
    check(
        34,
        files(),
        expect![[r#"
        2 of 3 files failed.

        files  total 3, not mapped 1

        name    plain.pdf
        status  COMPLETED
        job id  pjb-0123456789

        name    文書の長い名前です.pdf
        status  FAILED
        job id  pjb-9876543210
        error   it is encrypted, and
                nobody knows the password

        name    a name with spaces.pdf
        status  not_mapped
        error   the type is unknown

        There is more. For the next page,
        repeat the command with this
        added:
          'results_cursor=a b'
    "#]],
    );
    check(
        20,
        files(),
        expect![[r#"
        2 of 3 files failed.

        files
          total 3, not
          mapped 1

        name    plain.pdf
        status  COMPLETED
        job id
          pjb-0123456789

        name
          文書の長い名前です.pdf
        status  FAILED
        job id
          pjb-9876543210
        error
          it is encrypted,
          and nobody knows
          the password

        name
          a name with
          spaces.pdf
        status  not_mapped
        error
          the type is
          unknown

        There is more. For
        the next page,
        repeat the command
        with this added:
          'results_cursor=a b'
    "#]],
    );
}

#[test]
fn every_shape_of_a_member_is_shown() {
    check(
        60,
        json!({
            "summary": "Read.",
            "final": false,
            "nothing": null,
            "empty": [],
            "words": ["one", "two"],
            "text": "# Title\n\n    code\u{1b}[31m\u{202e}\n| a | b |",
            "data": { "total": 3, "lines": [{ "sku": "a", "tags": [{ "deep": true }] }] },
            "batches": [{ "id": "bat-1", "files": { "total": 2, "failed": 1 } }],
        }),
        expect![[r#"
            Read.

            final  false
            words  one, two

            # Title

                code[31m
            | a | b |

            data: {
              "total": 3,
              "lines": [
                {
                  "sku": "a",
                  "tags": [
                    {
                      "deep": true
                    }
                  ]
                }
              ]
            }

            ID     FILES
            bat-1  total 2, failed 1
        "#]],
    );
}
