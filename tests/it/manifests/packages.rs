//! The registry's entry, the bundle, the plugin and the extension: versions, limits, and settings that the program has.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{json, names_what_exists, read, variables};
use crate::harness::schemas;

const SERVER: &str = "manifests/server.json";
const BUNDLE: &str = "manifests/mcpb/manifest.json";
const PLUGIN: &str = "manifests/claude-plugin/.claude-plugin/plugin.json";
const EXTENSION: &str = "manifests/gemini-extension/gemini-extension.json";
const NPM: &str = "manifests/npm/package.json";

#[test]
fn each_has_this_version_and_names_what_exists() {
    for file in [SERVER, BUNDLE, PLUGIN, EXTENSION, NPM] {
        let manifest = json(file);
        assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"), "{file}");
        names_what_exists(file, &manifest);
        let description = manifest["description"].as_str().unwrap();
        assert!((20..=100).contains(&description.len()), "{file}: {description}");
        let program = [
            "/mcpServers/llamacloud-batches/command",
            "/packages/0/identifier",
            "/name",
        ]
        .iter()
        .find_map(|place| manifest.pointer(place));
        assert_eq!(program, Some(&json!(env!("CARGO_PKG_NAME"))), "{file}");
    }
}

#[test]
fn the_entry_for_the_registry_fits_its_schema() {
    let server = json(SERVER);
    schemas::validate_manifest("server.schema.json", &server);
    let packages = server["packages"].as_array().unwrap();
    for (package, (kind, runner)) in packages
        .iter()
        .zip([("npm", Some("npx")), ("pypi", Some("uvx")), ("cargo", None)])
    {
        assert_eq!(package["registryType"], kind);
        assert_eq!(package["runtimeHint"].as_str(), runner);
        assert_eq!(package["identifier"], env!("CARGO_PKG_NAME"));
        assert_eq!(package["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(package["environmentVariables"], packages[0]["environmentVariables"]);
    }
    assert_eq!(packages.len(), 3);
    let key = &packages[0]["environmentVariables"][0];
    assert_eq!(
        (&key["name"], &key["isSecret"], &key["isRequired"]),
        (&json!("LLAMA_CLOUD_API_KEY"), &json!(true), &json!(true))
    );
    // The registry looks for this in each package; the name ends at a space or a backtick.
    let name = server["name"].as_str().unwrap();
    let token = format!("`mcp-name: {name}`");
    for readme in ["README.md", "manifests/npm/README.md"] {
        assert!(read(readme).contains(&token), "{readme} lacks {token}");
    }
    assert_eq!(json(NPM)["mcpName"], name);
}

#[test]
fn the_main_npm_package_wants_exactly_the_packages_that_a_release_makes() {
    let npm = json(NPM);
    let platforms = npm["optionalDependencies"].as_object().unwrap();
    let mut released = BTreeSet::new();
    for line in read(".github/workflows/release.yml").lines() {
        if let Some((_, rest)) = line.split_once(", platform: ") {
            released.insert(format!("@{}/{}", env!("CARGO_PKG_NAME"), rest.trim_end_matches(" }")));
        }
    }
    assert_eq!(platforms.keys().cloned().collect::<BTreeSet<_>>(), released);
    // Exactly this version: the launcher and the program belong together.
    assert!(platforms.values().all(|version| version == env!("CARGO_PKG_VERSION")));
    // Nothing runs when it is installed.
    assert!(npm.get("scripts").is_none() && npm.get("dependencies").is_none());
}

#[test]
fn all_packages_name_one_repository_and_licence() {
    let cargo: toml::Table = toml::from_str(&read("Cargo.toml")).unwrap();
    let package = &cargo["package"];
    let repository = package["repository"].as_str().unwrap();
    let python: toml::Table = toml::from_str(&read("manifests/pypi/pyproject.toml")).unwrap();
    let python = &python["project"];
    let npm = json(NPM);
    assert_eq!(json(SERVER)["repository"]["url"], repository);
    assert_eq!(npm["repository"]["url"], format!("git+{repository}.git"));
    assert_eq!(python["urls"]["Repository"].as_str(), Some(repository));
    assert_eq!(npm["license"].as_str(), package["license"].as_str());
    assert_eq!(python["license"], package["license"]);
    assert_eq!(python["name"], package["name"]);
    // The wheel's version is Cargo.toml's.
    assert_eq!(python["dynamic"], toml::Value::from(vec!["version"]));
    assert!(python.get("version").is_none());
}

#[test]
fn the_bundle_fits_its_schema_and_asks_for_every_setting_that_it_passes() {
    let bundle = json(BUNDLE);
    schemas::validate_manifest("mcpb-manifest-v0.3.schema.json", &bundle);
    let settings = bundle["user_config"].as_object().unwrap();
    let environment = bundle["server"]["mcp_config"]["env"].as_object().unwrap();
    let passed: Vec<_> = environment
        .values()
        .map(|value| value.as_str().unwrap().to_owned())
        .collect();
    let asked: Vec<_> = settings.keys().map(|name| format!("${{user_config.{name}}}")).collect();
    assert_eq!(passed, asked);
    for (name, setting) in settings {
        // What has no default would arrive as the literal reference.
        assert_eq!(setting["required"] == true, setting["default"].is_null(), "{name}");
        assert_eq!(setting["sensitive"] == true, name == "api_key", "{name}");
    }
    // All variables but the key's second name, the log's filter and the folders, which are a list.
    assert_eq!(environment.len(), variables().len() - 3);
    let windows = &bundle["server"]["mcp_config"]["platform_overrides"]["win32"]["command"];
    let elsewhere = bundle["server"]["mcp_config"]["command"].as_str().unwrap();
    assert_eq!(windows, &json!(format!("{elsewhere}.exe")));
    assert!(elsewhere.ends_with(bundle["server"]["entry_point"].as_str().unwrap()));
}

#[test]
fn the_bundle_lists_the_tools_that_are_advertised() {
    let names = |tools: &Value| -> Vec<String> {
        let tools = tools.as_array().unwrap().iter();
        tools.map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&json(BUNDLE)["tools"]), names(&json("manifests/tools.json")));
}

#[test]
fn the_icons_are_as_large_as_the_apps_ask_for() {
    for file in [
        "manifests/mcpb/icon.png",
        "manifests/claude-plugin/.claude-plugin/icon.png",
    ] {
        let icon = std::fs::read(schemas::root().join(file)).unwrap();
        assert!(icon.starts_with(b"\x89PNG\r\n\x1a\n"), "{file}");
        // Width and height stand first in the first chunk.
        assert_eq!(icon[16..24], [0, 0, 2, 0, 0, 0, 2, 0], "{file}");
    }
    assert_eq!(json(BUNDLE)["icon"], "icon.png");
}

#[test]
fn the_key_is_a_secret_of_the_host() {
    let plugin = json(PLUGIN);
    assert_eq!(plugin["userConfig"]["api_key"]["sensitive"], true);
    let extension = json(EXTENSION);
    let settings = extension["settings"].as_array().unwrap();
    let secret = settings.iter().find(|setting| setting["sensitive"] == true).unwrap();
    assert_eq!(secret["envVar"], "LLAMA_CLOUD_API_KEY");
    // What is not declared does not arrive.
    let environment = extension["mcpServers"]["llamacloud-batches"]["env"]
        .as_object()
        .unwrap();
    let declared: Vec<_> = settings
        .iter()
        .map(|setting| setting["envVar"].as_str().unwrap())
        .collect();
    assert_eq!(environment.keys().collect::<Vec<_>>(), declared);
}
