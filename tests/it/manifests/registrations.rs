//! The registrations with hosts: the files that are checked in, and that they survive any path and argument.

use base64::Engine;
use expect_test::expect_file;
use llamacloud_batches_mcp::hosts::{ALL, Host, NAME, Registration, System};
use serde_json::Value;

use super::{names_what_exists, read, root};

/// What no file format, link or shell may break.
const NASTY: [&str; 9] = [
    "/home/me/with space/llamacloud-batches-mcp",
    r"C:\Users\me\new\table\llamacloud-batches-mcp.exe",
    r#"/a "quoted" 'path'"#,
    "/tab\there/line\nthere",
    "/ünï/日本/🦙",
    "/delete\u{7f}/next\u{85}/separator\u{2028}/mark\u{feff}",
    "$HOME/`id`/$(id)/%PATH%/!x",
    "# no comment: {a}, [b] & *c",
    "50% + a=b&c=d?e#f",
];

pub(super) fn example(host: &Host) -> Registration {
    Registration {
        command: host.example_command().to_owned(),
        args: Vec::new(),
        passes_key: true,
    }
}

fn file_of(host: &Host) -> String {
    format!("manifests/hosts/{}", host.manifest())
}

fn extension(host: &Host) -> &str {
    host.manifest().rsplit('.').next().unwrap()
}

/// A configuration, whatever its syntax is.
pub(super) fn parse(host: &Host, text: &str) -> Value {
    match extension(host) {
        "toml" => toml::from_str(text).unwrap(),
        "yaml" => serde_saphyr::from_str(text).unwrap(),
        _ => serde_json::from_str(text).unwrap(),
    }
}

/// The program and arguments that a host reads out of its configuration.
pub(super) fn start(host: &Host, configuration: &Value) -> Vec<String> {
    let entry = match host.name {
        "vscode" => &configuration["servers"][NAME],
        "zed" => &configuration["context_servers"][NAME],
        "opencode" | "crush" => &configuration["mcp"][NAME],
        "amp" => &configuration["amp.mcpServers"][NAME],
        "codex" => &configuration["mcp_servers"][NAME],
        "goose" => &configuration["extensions"][NAME],
        "continue" => &configuration["mcpServers"][0],
        "cline" => &configuration["mcpServers"][NAME]["transport"],
        _ => &configuration["mcpServers"][NAME],
    };
    let command = entry.get("command").or_else(|| entry.get("cmd")).unwrap();
    let words = match command {
        Value::Array(words) => words.clone(),
        program => [
            std::slice::from_ref(program),
            entry["args"].as_array().unwrap().as_slice(),
        ]
        .concat(),
    };
    words.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_manifest_is_the_configuration_of_its_host() {
    let mut files: Vec<_> = std::fs::read_dir(root().join("manifests/hosts"))
        .unwrap()
        .map(|entry| format!("manifests/hosts/{}", entry.unwrap().file_name().to_str().unwrap()))
        .collect();
    for host in ALL {
        let file = file_of(host);
        assert_eq!(host.configuration(&example(host)), read(&file), "{file}");
        files.retain(|other| *other != file);
        let configuration = parse(host, &read(&file));
        assert_eq!(start(host, &configuration), [host.example_command()]);
        names_what_exists(&file, &configuration);
    }
    assert!(files.is_empty(), "no host has {files:?}");
}

#[test]
fn any_path_and_argument_arrives() {
    let registration = |program: &str| Registration {
        command: program.to_owned(),
        args: NASTY.map(str::to_owned).to_vec(),
        passes_key: true,
    };
    for host in ALL {
        for program in NASTY {
            let text = host.configuration(&registration(program));
            let expected = [&[program], NASTY.as_slice()].concat();
            assert_eq!(start(host, &parse(host, &text)), expected, "{}: {text}", host.name);
        }
    }
}

#[test]
fn without_a_key_to_pass_no_configuration_speaks_of_one() {
    for host in ALL {
        let registration = Registration {
            args: vec!["--sandbox".to_owned()],
            passes_key: false,
            ..example(host)
        };
        let text = host.configuration(&registration);
        assert!(!text.contains("KEY") && !text.contains("key"), "{text}");
        assert_eq!(start(host, &parse(host, &text))[1..], ["--sandbox"]);
        let command = host.add_command(&registration, System::Linux).unwrap_or_default();
        assert!(!command.contains("KEY"), "{command}");
    }
}

#[test]
fn links_carry_the_entry() {
    let mut seen = 0;
    for program in NASTY {
        for host in ALL {
            let registration = Registration {
                command: program.to_owned(),
                ..example(host)
            };
            let Some(link) = host.add_link(&registration) else {
                continue;
            };
            seen += 1;
            let link = url::Url::parse(&link).unwrap();
            let query: std::collections::BTreeMap<_, _> = link.query_pairs().into_owned().collect();
            let entry: Value = match host.name {
                "vscode" => serde_json::from_str(query.keys().next().unwrap()).unwrap(),
                "kiro" => serde_json::from_str(&query["config"]).unwrap(),
                _ => {
                    let decoded = base64::engine::general_purpose::STANDARD.decode(&query["config"]);
                    serde_json::from_slice(&decoded.unwrap()).unwrap()
                }
            };
            assert_eq!(entry["command"], program, "{link}");
            assert!(entry["env"]["LLAMA_CLOUD_API_KEY"].is_string(), "{link}");
            let name = query.get("name").map_or(entry["name"].as_str(), |name| Some(name));
            assert_eq!(name, Some(NAME), "{link}");
            assert!(!link.as_str().contains(['+', ' ']), "{link}");
        }
    }
    assert_eq!(seen, 4 * NASTY.len());
}

/// The shell itself says what it makes of each command.
#[cfg(unix)]
#[test]
fn commands_survive_the_shell() {
    for host in ALL {
        for program in NASTY {
            let registration = Registration {
                command: program.to_owned(),
                args: NASTY.map(str::to_owned).to_vec(),
                passes_key: true,
            };
            let Some(command) = host.add_command(&registration, System::Linux) else {
                continue;
            };
            let (tool, _) = command.split_once(' ').unwrap();
            let script = format!(r#"{tool}() {{ printf '%s\0' "$@"; }}; {command}"#);
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            let heard = String::from_utf8(output.stdout).unwrap();
            let heard: Vec<_> = heard.split('\0').collect();
            if host.name == "vscode" {
                let entry: Value = serde_json::from_str(heard[1]).unwrap();
                assert_eq!(
                    (&entry["command"], &entry["args"]),
                    (&serde_json::json!(program), &serde_json::json!(NASTY)),
                    "{command}"
                );
                continue;
            }
            let program_at = heard.iter().position(|word| *word == program).unwrap();
            let args: Vec<_> = heard[program_at + 1..]
                .iter()
                .filter(|word| !["", "--"].contains(*word))
                .collect();
            assert_eq!(args, NASTY.iter().collect::<Vec<_>>(), "{command}");
        }
    }
}

#[test]
fn the_document_about_hosts_has_a_row_for_each() {
    let document = read("docs/hosts.md");
    let table: String = ALL.iter().map(row).collect();
    let (before, rest) = document.split_once("|---|---|---|---|---|\n").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    let expected = format!("{before}|---|---|---|---|---|\n{table}\n{after}");
    expect_file![root().join("docs/hosts.md")].assert_eq(&expected);
}

/// The host in that table.
fn row(host: &Host) -> String {
    let project = host.project_file.map(|file| format!(", `{file}`")).unwrap_or_default();
    let own_words = |command: String| {
        let words = command.split([' ']).take_while(|word| *word != NAME && *word != "-e");
        let words: Vec<_> = words.filter(|word| !word.starts_with('\'')).collect();
        format!("`{}`", words.join(" "))
    };
    let without_key = Registration {
        passes_key: false,
        ..example(host)
    };
    let ways: Vec<_> = host
        .can_be_merged()
        .then(|| "`--write`".to_owned())
        .into_iter()
        .chain(host.add_command(&without_key, System::Linux).map(own_words))
        .chain(host.add_link(&example(host)).map(|_| "a link".to_owned()))
        .collect();
    format!(
        "| `{}` | {} | {}{project} | {} | {} |\n",
        host.name,
        host.title,
        file_in_short(host),
        host.key_in_short(),
        if ways.is_empty() {
            "by hand".to_owned()
        } else {
            ways.join(", ")
        }
    )
}

/// The path if it is the same `~/…` on Linux and macOS; otherwise only the file name.
fn file_in_short(host: &Host) -> String {
    let [linux, macos] = [System::Linux, System::MacOs].map(|system| host.file.on(system));
    if linux == macos && linux.starts_with("~/") {
        format!("`{linux}`")
    } else {
        format!("`{}`", host.file.file_name())
    }
}
