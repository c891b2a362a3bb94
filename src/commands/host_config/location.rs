//! Where a host's file is on this machine: the host's own rules, with the variables that change them.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use crate::hosts::{Host, System};

/// The user's file of a host.
///
/// # Errors
/// If the system does not say where the user's files are, or if each user chooses the host's folder.
pub(super) fn of(host: &Host, system: System) -> anyhow::Result<PathBuf> {
    path(host, system, &variable, std::env::home_dir())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the hosts' variables, not this program's, as the table of hosts lists them"
)]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

fn path(
    host: &Host,
    system: System,
    variable: &dyn Fn(&str) -> Option<OsString>,
    home: Option<PathBuf>,
) -> anyhow::Result<PathBuf> {
    let folder = |name: &str| folder(name, variable);
    if let Some(folder) = host.folder_variable.and_then(folder) {
        return Ok(folder.join(host.file.file_name()));
    }
    if let Some(path) = path_in_package(host, system, variable) {
        return Ok(path);
    }
    let place = host.file.on(system);
    let home = || home.context("the home folder is unknown; name the file with --file");
    if let Some((name, rest)) = place.strip_prefix('%').and_then(|rest| rest.split_once("%\\")) {
        return match folder(name) {
            Some(folder) => Ok(folder.join(rest)),
            None if name == "USERPROFILE" => Ok(home()?.join(rest)),
            None => anyhow::bail!("%{name}% is not set; name the file with --file"),
        };
    }
    if let (Some(rest), System::Linux) = (place.strip_prefix("~/.config/"), system)
        && let Some(folder) = folder("XDG_CONFIG_HOME")
    {
        return Ok(folder.join(rest));
    }
    match place.strip_prefix("~/") {
        Some(rest) => Ok(home()?.join(rest)),
        None => anyhow::bail!("the folder of {} is unknown; name the file with --file", host.title),
    }
}

/// The folder that a variable names. A path that is not absolute names none.
fn folder(name: &str, variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    variable(name).map(PathBuf::from).filter(|folder| folder.is_absolute())
}

/// Windows keeps what a packaged program writes below `%APPDATA%` in the folder of the package, and shows it nothing else there.
fn path_in_package(host: &Host, system: System, variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let start = host.package?;
    let place = host.file.on(system);
    let rest = place.strip_prefix(r"%APPDATA%\")?;
    let packages = folder("LOCALAPPDATA", variable)?.join("Packages");
    let names = fs::read_dir(&packages).ok()?.flatten().map(|entry| entry.file_name());
    let package = names
        .filter(|name| name.to_str().is_some_and(|name| name.starts_with(start)))
        .min()?;
    Some(packages.join(package).join("LocalCache").join("Roaming").join(rest))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn located(host: &str, system: System, variables: &[(&str, &str)]) -> String {
        let variable = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let Some(host) = Host::named(host) else {
            return format!("there is no host {host}");
        };
        let path = path(host, system, &variable, Some("/home/me".into()));
        path.map_or_else(|error| error.to_string(), |path| path.display().to_string())
    }

    #[test]
    fn each_system_and_variable_leads_to_the_hosts_file() {
        let xdg = [("XDG_CONFIG_HOME", "/xdg")];
        for (host, system, variables, expected) in [
            ("cursor", System::Linux, &[][..], "/home/me/.cursor/mcp.json"),
            (
                "cursor",
                System::Windows,
                &[("USERPROFILE", "/u")],
                "/u/.cursor\\mcp.json",
            ),
            ("zed", System::Linux, &[], "/home/me/.config/zed/settings.json"),
            ("zed", System::Linux, &xdg, "/xdg/zed/settings.json"),
            (
                "zed",
                System::Linux,
                &[("XDG_CONFIG_HOME", "relative")],
                "/home/me/.config/zed/settings.json",
            ),
            ("zed", System::MacOs, &xdg, "/home/me/.config/zed/settings.json"),
            ("zed", System::Windows, &[("APPDATA", "/a")], "/a/Zed\\settings.json"),
            (
                "zed",
                System::Windows,
                &[],
                "%APPDATA% is not set; name the file with --file",
            ),
            ("codex", System::Linux, &[("CODEX_HOME", "/c")], "/c/config.toml"),
            (
                "codex",
                System::Linux,
                &[("CODEX_HOME", "")],
                "/home/me/.codex/config.toml",
            ),
            (
                "claude-code",
                System::MacOs,
                &[("CLAUDE_CONFIG_DIR", "/c")],
                "/c/.claude.json",
            ),
            (
                "librechat",
                System::Linux,
                &xdg,
                "the folder of LibreChat is unknown; name the file with --file",
            ),
            (
                "claude-desktop",
                System::MacOs,
                &[],
                "/home/me/Library/Application Support/Claude/claude_desktop_config.json",
            ),
        ] {
            assert_eq!(located(host, system, variables), expected);
        }
    }

    #[test]
    fn a_host_that_is_a_package_reads_the_file_in_its_package() {
        let local = tempfile::tempdir().unwrap();
        let folder = local.path().to_str().unwrap();
        let located = |local| {
            let variables = [("APPDATA", "/a"), ("LOCALAPPDATA", local)];
            located("claude-desktop", System::Windows, &variables)
        };
        let usual = r"/a/Claude\claude_desktop_config.json";
        assert_eq!(located(folder), usual);
        fs::create_dir_all(local.path().join("Packages/Other_1")).unwrap();
        assert_eq!(located(folder), usual);
        fs::create_dir(local.path().join("Packages/Claude_2")).unwrap();
        let expected = format!(r"{folder}/Packages/Claude_2/LocalCache/Roaming/Claude\claude_desktop_config.json");
        assert_eq!(located(folder), expected);
        let depth = std::env::current_dir().unwrap().components().count();
        let relative = format!("{}{}", "../".repeat(depth), folder.trim_start_matches('/'));
        assert!(fs::exists(&relative).unwrap());
        assert_eq!(located(&relative), usual);
    }
}
