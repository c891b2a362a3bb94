//! `host-config --write` as a user runs it: which file, what stays beside it, and when nothing is written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use llamacloud_batches_mcp::hosts::NAME;
use serde_json::{Value, json};

use crate::harness::child::{command, run};

/// An empty home folder.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-home-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    async fn host_config(&self, arguments: &[&str]) -> Output {
        let mut command = command(&[&["host-config"], arguments].concat());
        for variable in ["HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"] {
            command.env(variable, &self.0);
        }
        run(command).await
    }

    fn file(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The names in one of its folders.
    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.0.join(folder)).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Both outputs, without the breaks of lines.
fn said(output: &Output) -> String {
    let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let said = String::from_utf8(said).unwrap();
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn entry(path: &Path) -> Value {
    let file: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    file["mcpServers"][NAME].clone()
}

#[tokio::test]
async fn a_new_file_is_made_with_its_folders() {
    let home = Home::new("new");
    let output = home.host_config(&["cursor", "--write", "--sandbox"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(entry(&home.0.join(".cursor/mcp.json"))["args"], json!(["--sandbox"]));
    assert_eq!(home.names(".cursor"), ["mcp.json"]);
    for words in ["which is a new file", "Tools & MCP", "To try it, ask:"] {
        assert!(said(&output).contains(words), "{words}: {}", said(&output));
    }
}

#[tokio::test]
async fn the_old_file_stays_beside_it_and_a_second_run_changes_nothing() {
    let home = Home::new("backup");
    let old = "{\r\n    \"mcpServers\": {\r\n        \"a\": {} // mine\r\n    }\r\n}\r\n";
    let path = home.file(".cursor/mcp.json", old.as_bytes());
    let output = home.host_config(&["cursor", "--write"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let backup = |name: &str| fs::read_to_string(home.0.join(".cursor").join(name)).unwrap();
    assert_eq!(backup("mcp.json.bak"), old);
    let new = fs::read_to_string(&path).unwrap();
    assert!(new.starts_with(
        "{\r\n    \"mcpServers\": {\r\n        \"a\": {}, // mine\r\n        \"llamacloud-batches\": {\r\n"
    ));
    // The key is in the environment of the process, and does not come into the file.
    assert!(!new.contains(crate::harness::CANARY));

    let again = home.host_config(&["cursor", "--write"]).await;
    assert!(
        said(&again).contains("already registered like this"),
        "{}",
        said(&again)
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), new);
    assert_eq!(home.names(".cursor"), ["mcp.json", "mcp.json.bak"]);

    // Another change keeps both earlier states.
    home.host_config(&["cursor", "--write", "--read-only"]).await;
    assert_eq!(backup("mcp.json.bak"), old);
    assert_eq!(backup("mcp.json.bak2"), new);
}

#[tokio::test]
async fn a_file_can_be_named() {
    let home = Home::new("named");
    let path = home.0.join("project/.mcp.json");
    let file = path.to_str().unwrap();
    let output = home
        .host_config(&["claude-code", "--write", "--sandbox", "--file", file])
        .await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(entry(&path)["type"], "stdio");
    let without_write = home.host_config(&["claude-code", "--file", file]).await;
    assert_eq!(without_write.status.code(), Some(2));
}

#[tokio::test]
async fn a_file_that_is_not_understood_stays_as_it_is() {
    let home = Home::new("refused");
    for (bytes, reason) in [
        (
            &b"{\"mcpServers\": [1]}"[..],
            "`mcpServers` in it does not have the form that the host expects",
        ),
        (b"{'a': 1}", "it is not valid JSON"),
        (b"{\"a\": \"\xff\"}", "it is not UTF-8 text"),
        (b"\xff\xfe{\0}\0", "it is not UTF-8 text"),
    ] {
        let path = home.file(".cursor/mcp.json", bytes);
        let output = home.host_config(&["cursor", "--write"]).await;
        assert_eq!(output.status.code(), Some(1));
        let said = said(&output);
        assert!(said.contains("was not changed") && said.contains(reason), "{said}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert_eq!(home.names(".cursor"), ["mcp.json"]);
    }
}

#[tokio::test]
async fn yaml_is_printed() {
    let home = Home::new("yaml");
    let output = home.host_config(&["goose", "--write"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.starts_with(b"extensions:\n"));
    assert!(said(&output).contains("Nothing was written"));
    assert!(home.names("").is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn links_and_permissions_stay() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = Home::new("links");
    let real = home.file("dotfiles/mcp.json", b"{}");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    fs::create_dir(home.0.join(".cursor")).unwrap();
    let link = home.0.join(".cursor/mcp.json");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let output = home.host_config(&["cursor", "--write", "--sandbox"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(entry(&real)["args"], json!(["--sandbox"]));
    assert_eq!(home.names("dotfiles"), ["mcp.json", "mcp.json.bak"]);
    for file in ["dotfiles/mcp.json", "dotfiles/mcp.json.bak"] {
        let mode = fs::metadata(home.0.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "{file}");
    }
    // A broken link does not become a file.
    let dangling = home.0.join("dangling.json");
    std::os::unix::fs::symlink("nowhere.json", &dangling).unwrap();
    let file = dangling.to_str().unwrap();
    let output = home.host_config(&["cursor", "--write", "--file", file]).await;
    assert!(said(&output).contains("is a broken link"), "{}", said(&output));
    assert!(fs::symlink_metadata(&dangling).unwrap().is_symlink());
    // A read-only file is not replaced, and nothing is left beside it.
    fs::set_permissions(&real, fs::Permissions::from_mode(0o440)).unwrap();
    let output = home.host_config(&["cursor", "--write"]).await;
    assert!(said(&output).contains("it is read-only"), "{}", said(&output));
    assert_eq!(home.names("dotfiles"), ["mcp.json", "mcp.json.bak"]);
}
