//! The registration inside the file that a user has already: only the entry changes, byte for byte.

use expect_test::{Expect, expect};
use llamacloud_batches_mcp::hosts::merge::Refusal;
use llamacloud_batches_mcp::hosts::{ALL, Host, KEY_VARIABLE, NAME, Registration};
use serde_json::{Value, json};

use super::registrations::{example, parse, start};

fn host(name: &str) -> &'static Host {
    Host::named(name).unwrap()
}

fn sandbox() -> Registration {
    Registration {
        command: "/bin/mcp".to_owned(),
        args: vec!["--sandbox".to_owned()],
        passes_key: false,
    }
}

/// The merged text, with carriage returns, tabs and the byte order mark made visible.
fn check(name: &str, file: &str, expected: &Expect) {
    let merged = host(name).merged(file, &sandbox()).unwrap().unwrap();
    let visible = merged.replace('\r', "␍").replace('\t', "⇥").replace('\u{feff}', "BOM");
    expected.assert_eq(&format!("{visible}\n"));
    only_the_entry_is_new(name, file, &merged);
    assert_eq!(host(name).merged(&merged, &sandbox()), Ok(None), "{merged}");
}

/// The old text is the new one without a comma and the entry.
fn only_the_entry_is_new(name: &str, old: &str, new: &str) {
    let (old_bytes, new_bytes) = (old.as_bytes(), new.as_bytes());
    let before = old.bytes().zip(new.bytes()).take_while(|(old, new)| old == new).count();
    let after = old
        .bytes()
        .rev()
        .zip(new.bytes().rev())
        .take_while(|(old, new)| old == new)
        .count();
    let after = after.min(old.len() - before);
    let (kept, added) = (
        &old_bytes[before..old.len() - after],
        &new_bytes[before..new.len() - after],
    );
    let behind_the_comma = added.strip_prefix(b",").and_then(|added| added.strip_prefix(kept));
    let entry = behind_the_comma.or_else(|| added.strip_prefix(kept));
    assert!(
        entry.is_some_and(|entry| !entry.is_empty()),
        "{name}: {old}\nbecame\n{new}"
    );
}

#[test]
fn comments_indents_and_line_ends_stay() {
    check(
        "cursor",
        "{\n    // mine\n    \"mcpServers\": {\n        \"a\": { \"command\": \"x\" } // the first, really\n    }\n}\n",
        &expect![[r#"
            {
                // mine
                "mcpServers": {
                    "a": { "command": "x" }, // the first, really
                    "llamacloud-batches": {
                        "command": "/bin/mcp",
                        "args": [
                            "--sandbox"
                        ]
                    }
                }
            }

        "#]],
    );
    check(
        "claude-desktop",
        "\u{feff}{\r\n\t\"mcpServers\": {\r\n\t\t\"a\": {\r\n\t\t\t\"command\": \"x\",\r\n\t\t}, /* , */\r\n\t},\r\n\t\"theme\": 1,\r\n}\r\n",
        &expect![[r#"
            BOM{␍
            ⇥"mcpServers": {␍
            ⇥⇥"a": {␍
            ⇥⇥⇥"command": "x",␍
            ⇥⇥}, /* , */␍
            ⇥⇥"llamacloud-batches": {␍
            ⇥⇥⇥"command": "/bin/mcp",␍
            ⇥⇥⇥"args": [␍
            ⇥⇥⇥⇥"--sandbox"␍
            ⇥⇥⇥]␍
            ⇥⇥},␍
            ⇥},␍
            ⇥"theme": 1,␍
            }␍

        "#]],
    );
    check(
        "opencode",
        "{\n   \"$schema\": \"https://opencode.ai/config.json\",\n   \"mcp\" : {\n      // nothing yet\n   }\n}\n",
        &expect![[r#"
            {
               "$schema": "https://opencode.ai/config.json",
               "mcp" : {
                  // nothing yet
                  "llamacloud-batches": {
                     "type": "local",
                     "command": [
                        "/bin/mcp",
                        "--sandbox"
                     ],
                     "enabled": true
                  }
               }
            }

        "#]],
    );
    check(
        "amp",
        "{\n  \"amp.url\": \"x\" // no comma\n  // end\n}",
        &expect![[r#"
            {
              "amp.url": "x", // no comma
              // end
              "amp.mcpServers": {
                "llamacloud-batches": {
                  "command": "/bin/mcp",
                  "args": [
                    "--sandbox"
                  ]
                }
              }
            }
        "#]],
    );
}

#[test]
fn a_file_on_one_line_stays_on_one_line() {
    check(
        "windsurf",
        r#"{"mcpServers":{"a":{"command":"x"}},"z":[1,2]}"#,
        &expect![[r#"
            {"mcpServers":{"a":{"command":"x"}, "llamacloud-batches": {"command":"/bin/mcp","args":["--sandbox"]}},"z":[1,2]}
        "#]],
    );
    check(
        "kiro",
        "{ \"theme\": \"dark\" /* , */ }",
        &expect![[r#"
        { "theme": "dark", /* , */ "mcpServers": {"llamacloud-batches":{"command":"/bin/mcp","args":["--sandbox"]}} }
    "#]],
    );
}

#[test]
fn an_empty_object_is_opened() {
    check(
        "claude-code",
        "// head\n{\n  // inside\n}\n// end\n",
        &expect![[r#"
        // head
        {
          // inside
          "mcpServers": {
            "llamacloud-batches": {
              "type": "stdio",
              "command": "/bin/mcp",
              "args": [
                "--sandbox"
              ]
            }
          }
        }
        // end

    "#]],
    );
    check(
        "claude-code",
        "{}",
        &expect![[r#"
        {
          "mcpServers": {
            "llamacloud-batches": {
              "type": "stdio",
              "command": "/bin/mcp",
              "args": [
                "--sandbox"
              ]
            }
          }
        }
    "#]],
    );
    check(
        "claude-code",
        "{\n\n}",
        &expect![[r#"
        {
          "mcpServers": {
            "llamacloud-batches": {
              "type": "stdio",
              "command": "/bin/mcp",
              "args": [
                "--sandbox"
              ]
            }
          }

        }
    "#]],
    );
    check(
        "warp",
        "{\"a\":1,\n\n\n\"mcpServers\":{\n\"b\":{}}}",
        &expect![[r#"
        {"a":1,


        "mcpServers":{
        "b":{},
        "llamacloud-batches": {
          "command": "/bin/mcp",
          "args": [
            "--sandbox"
          ]
        }}}
    "#]],
    );
    check(
        "zed",
        "{\n  \"context_servers\": {},\n  \"vim_mode\": true\n}\n",
        &expect![[r#"
            {
              "context_servers": {
                "llamacloud-batches": {
                  "command": "/bin/mcp",
                  "args": [
                    "--sandbox"
                  ]
                }
              },
              "vim_mode": true
            }

        "#]],
    );
}

#[test]
fn toml_gets_one_more_table() {
    check(
        "codex",
        "model = \"x\"  # mine\r\n\r\n[mcp_servers.a]\r\ncommand = 'x'\r\n\r\n[tui]\r\ntext = '''\r\nb'''\r\n# tail",
        &expect![[r#"
            model = "x"  # mine␍
            ␍
            [mcp_servers.a]␍
            command = 'x'␍
            ␍
            [tui]␍
            text = '''␍
            b'''␍
            # tail␍
            ␍
            [mcp_servers.llamacloud-batches]␍
            command = "/bin/mcp"␍
            args = ["--sandbox"]␍

        "#]],
    );
    check(
        "codex",
        "\u{feff}[mcp_servers]\n",
        &expect![[r#"
        BOM[mcp_servers]

        [mcp_servers.llamacloud-batches]
        command = "/bin/mcp"
        args = ["--sandbox"]

    "#]],
    );
}

#[test]
fn every_host_reads_back_what_was_merged() {
    for host in ALL.iter().filter(|host| host.can_be_merged()) {
        for file in ["", " \n", "\u{feff}"] {
            let merged = host.merged(file, &sandbox()).unwrap().unwrap();
            let configuration = merged.trim_start_matches('\u{feff}');
            assert_eq!(start(host, &parse(host, configuration)), ["/bin/mcp", "--sandbox"]);
        }
        let manifest = host.configuration(&example(host));
        assert_eq!(host.merged(&manifest, &example(host)), Ok(None), "{}", host.name);
        let other = manifest.replace(NAME, "other-server");
        let merged = host.merged(&other, &sandbox()).unwrap().unwrap();
        only_the_entry_is_new(host.name, &other, &merged);
        let merged = parse(host, &merged);
        assert_eq!(start(host, &merged), ["/bin/mcp", "--sandbox"]);
        assert!(merged.to_string().contains("other-server"));
        let updated = host.merged(&manifest, &sandbox()).unwrap().unwrap();
        assert_eq!(start(host, &parse(host, &updated)), ["/bin/mcp", "--sandbox"]);
        assert_eq!(host.merged(&updated, &sandbox()), Ok(None));
    }
}

#[test]
fn what_the_user_has_added_to_the_entry_stays() {
    let cursor = host("cursor");
    let merged = |entry: Value, registration: &Registration| {
        let file = json!({ "mcpServers": { "a": {}, NAME: entry } }).to_string();
        let merged = cursor.merged(&file, registration).unwrap().unwrap();
        parse(cursor, &merged)["mcpServers"][NAME].clone()
    };
    let mine = json!({
        "disabled": true, "command": "old", "env": { KEY_VARIABLE: "llx-mine", "B": "c" }, "autoApprove": ["x"]
    });
    let example = example(cursor);
    assert_eq!(
        merged(mine.clone(), &example),
        json!({
            "disabled": true, "command": example.command, "env": { KEY_VARIABLE: "llx-mine", "B": "c" },
            "autoApprove": ["x"], "args": []
        })
    );
    // A key that is no longer needed does not stay in the file.
    assert_eq!(
        merged(mine, &sandbox()),
        json!({
            "disabled": true, "command": "/bin/mcp", "env": { "B": "c" }, "autoApprove": ["x"], "args": ["--sandbox"]
        })
    );
    assert_eq!(
        merged(json!({ "env": { KEY_VARIABLE: "llx-mine" } }), &sandbox()),
        json!({ "command": "/bin/mcp", "args": ["--sandbox"] })
    );
    let copilot = host("copilot-cli");
    let narrowed = copilot.configuration(&sandbox()).replace("\"*\"", "\"get_batch\"");
    assert_eq!(copilot.merged(&narrowed, &sandbox()), Ok(None));
}

#[test]
fn the_input_of_vs_code_is_added_once() {
    let vscode = host("vscode");
    let file = "{\n\t\"inputs\": [\n\t\t{ \"id\": \"other\" } // theirs\n\t],\n\t\"servers\": {}\n}";
    let merged = vscode.merged(file, &example(vscode)).unwrap().unwrap();
    expect![[r#"
        {
        ⇥"inputs": [
        ⇥⇥{ "id": "other" }, // theirs
        ⇥⇥{
        ⇥⇥⇥"type": "promptString",
        ⇥⇥⇥"id": "llama-cloud-api-key",
        ⇥⇥⇥"description": "LlamaCloud API key",
        ⇥⇥⇥"password": true
        ⇥⇥}
        ⇥],
        ⇥"servers": {
        ⇥⇥"llamacloud-batches": {
        ⇥⇥⇥"type": "stdio",
        ⇥⇥⇥"command": "/absolute/path/to/llamacloud-batches-mcp",
        ⇥⇥⇥"args": [],
        ⇥⇥⇥"env": {
        ⇥⇥⇥⇥"LLAMA_CLOUD_API_KEY": "${input:llama-cloud-api-key}"
        ⇥⇥⇥}
        ⇥⇥}
        ⇥}
        }"#]]
    .assert_eq(&merged.replace('\t', "⇥"));
    assert_eq!(vscode.merged(&merged, &example(vscode)), Ok(None));
    let unused = vscode.merged(file, &sandbox()).unwrap().unwrap();
    assert!(!unused.contains("promptString"), "{unused}");
}

#[test]
fn a_table_of_codex_is_brought_up_to_date() {
    let codex = host("codex");
    let file = r#"[mcp_servers.llamacloud-batches] # mine
startup_timeout_sec = 5
env_vars = ["A"] # also
command = "old"

[mcp_servers.llamacloud-batches.env]
B = "c"
"#;
    let merged = codex.merged(file, &example(codex)).unwrap().unwrap();
    expect![[r#"
        [mcp_servers.llamacloud-batches] # mine
        args = []
        startup_timeout_sec = 5
        env_vars = ["A", "LLAMA_CLOUD_API_KEY"] # also
        command = "llamacloud-batches-mcp"

        [mcp_servers.llamacloud-batches.env]
        B = "c"
    "#]]
    .assert_eq(&merged);
    assert_eq!(codex.merged(&merged, &example(codex)), Ok(None));
    for old in ["[1]", "[\"--sandbox\", 1]", "\"--sandbox\"", "1"] {
        let file = format!("[mcp_servers.llamacloud-batches]\ncommand = \"/bin/mcp\"\nargs = {old}\n");
        let merged = host("codex").merged(&file, &sandbox()).unwrap().unwrap();
        assert_eq!(merged, file.replace(old, "[\"--sandbox\"]"));
    }
    let inline = "mcp_servers.llamacloud-batches = { command = \"old\", args = [] }\n";
    let merged = codex.merged(inline, &sandbox()).unwrap().unwrap();
    expect![[r#"
        mcp_servers.llamacloud-batches = { command = "/bin/mcp", args = ["--sandbox"] }
    "#]]
    .assert_eq(&merged);
}

#[test]
fn what_cannot_be_understood_is_refused() {
    let refused = |name: &str, file: &str| host(name).merged(file, &example(host(name))).unwrap_err();
    for file in [
        "{",
        "{'a': 1}",
        "{a: 1}",
        "{\"a\" 1}",
        "{} {}",
        "// only this",
        "[1, 2",
        "{\"a\": 0x1}",
        "{\"a\": 1 \"b\": 2}",
        "{\r\"a\": 1 // mine\r}",
    ] {
        assert!(
            matches!(refused("cursor", file), Refusal::Invalid { syntax: "JSON", .. }),
            "{file}"
        );
    }
    for (file, name) in [
        ("[]", "the file"),
        ("null", "the file"),
        ("{\"mcpServers\": []}", "mcpServers"),
        ("{\"mcpServers\": null}", "mcpServers"),
        ("{\"mcpServers\": {\"llamacloud-batches\": 1}}", NAME),
    ] {
        assert_eq!(refused("cursor", file), Refusal::Other(name.to_owned()), "{file}");
    }
    for (file, name) in [
        ("{\"mcpServers\": {}, \"mcpServers\": {}}", "mcpServers"),
        (
            "{\"mcpServers\": {\"llamacloud-batches\": {}, \"llamacloud-batches\": {}}}",
            NAME,
        ),
    ] {
        assert_eq!(refused("cursor", file), Refusal::Twice(name.to_owned()), "{file}");
    }
    assert_eq!(
        refused("vscode", "{\"inputs\": {}}"),
        Refusal::Other("inputs".to_owned())
    );
    for file in ["a = ", "[a", "a = 1\na = 2"] {
        assert!(
            matches!(refused("codex", file), Refusal::Invalid { syntax: "TOML", .. }),
            "{file}"
        );
    }
    for file in ["mcp_servers = { a = {} }", "mcp_servers = 1"] {
        assert_eq!(
            refused("codex", file),
            Refusal::Other("mcp_servers".to_owned()),
            "{file}"
        );
    }
    for name in ["goose", "continue", "librechat"] {
        assert_eq!(refused(name, ""), Refusal::Yaml);
    }
}
