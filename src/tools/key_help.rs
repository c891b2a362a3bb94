//! How the user gets the API key to this server: in the syntax of the host that calls.

use crate::hosts::{Host, KEY_VARIABLE};

/// What the user has to do so that the key arrives, for the host of this name (`clientInfo.name`).
pub(crate) fn how_to_pass_the_key(client: Option<&str>) -> String {
    match client.and_then(Host::of_client) {
        Some(host) => {
            let way = host.way_of_the_key();
            format!("The user has to pass it to this server: {way}; then restart the server.")
        }
        None => format!(
            "The user has to set {KEY_VARIABLE} in the environment of this server's entry in the host's MCP configuration, and restart \
             the server."
        ),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn each_host_is_answered_in_its_own_syntax() {
        let clients = [
            "claude-code",
            "claude-ai",
            "codex-mcp-client",
            "cursor-vscode",
            "Visual Studio Code",
            "copilot-cli",
            "gemini-cli-mcp-client",
            "opencode",
            "@cline/core",
            "Cline",
            "continue-cli-client",
            "Zed",
            "windsurf-client",
            "junie",
            "Kiro",
            "lmstudio-mcp-bridge",
            "Warp",
            "goose-desktop",
        ];
        let mut said = String::new();
        for client in clients {
            let sentence = how_to_pass_the_key(Some(client));
            let way = sentence.strip_prefix("The user has to pass it to this server: ");
            let way = way.and_then(|way| way.strip_suffix("; then restart the server."));
            said.push_str(client);
            said.push_str(": ");
            said.push_str(way.unwrap_or(&sentence));
            said.push('\n');
        }
        expect![[r#"
            claude-code: `"env": {"LLAMA_CLOUD_API_KEY": "${LLAMA_CLOUD_API_KEY}"}` in .mcp.json, and set the variable before Claude Code starts
            claude-ai: `"env": {"LLAMA_CLOUD_API_KEY": "llx-your-key"}` in claude_desktop_config.json, with the key itself in place of llx-your-key
            codex-mcp-client: `env_vars = ["LLAMA_CLOUD_API_KEY"]` in this server's table of config.toml, and set the variable before Codex starts
            cursor-vscode: `"env": {"LLAMA_CLOUD_API_KEY": "${env:LLAMA_CLOUD_API_KEY}"}` in mcp.json, and set the variable before Cursor starts
            Visual Studio Code: `"env": {"LLAMA_CLOUD_API_KEY": "${input:llama-cloud-api-key}"}` in mcp.json, and add an input with this id
            copilot-cli: `"env": {"LLAMA_CLOUD_API_KEY": "${LLAMA_CLOUD_API_KEY}"}` in mcp-config.json, and set the variable before Copilot CLI starts
            gemini-cli-mcp-client: `"env": {"LLAMA_CLOUD_API_KEY": "$LLAMA_CLOUD_API_KEY"}` in settings.json, and set the variable before Gemini CLI starts
            opencode: `"environment": {"LLAMA_CLOUD_API_KEY": "{env:LLAMA_CLOUD_API_KEY}"}` in opencode.json, and set the variable before opencode starts
            @cline/core: the variable LLAMA_CLOUD_API_KEY, set before Cline CLI starts
            Cline: `"env": {"LLAMA_CLOUD_API_KEY": "llx-your-key"}` in cline_mcp_settings.json, with the key itself in place of llx-your-key
            continue-cli-client: `LLAMA_CLOUD_API_KEY: "${{ secrets.LLAMA_CLOUD_API_KEY }}"` in config.yaml, and set the variable before Continue starts
            Zed: `"env": {"LLAMA_CLOUD_API_KEY": "llx-your-key"}` in settings.json, with the key itself in place of llx-your-key
            windsurf-client: `"env": {"LLAMA_CLOUD_API_KEY": "${env:LLAMA_CLOUD_API_KEY}"}` in mcp_config.json, and set the variable before Windsurf starts
            junie: `"env": {"LLAMA_CLOUD_API_KEY": "llx-your-key"}` in mcp.json, with the key itself in place of llx-your-key
            Kiro: `"env": {"LLAMA_CLOUD_API_KEY": "${LLAMA_CLOUD_API_KEY}"}` in mcp.json, and set the variable before Kiro starts
            lmstudio-mcp-bridge: `"env": {"LLAMA_CLOUD_API_KEY": "llx-your-key"}` in mcp.json, with the key itself in place of llx-your-key
            Warp: `"env": {"LLAMA_CLOUD_API_KEY": "${LLAMA_CLOUD_API_KEY}"}` in .mcp.json, and set the variable before Warp starts
            goose-desktop: `env_keys: [LLAMA_CLOUD_API_KEY]` in this server's extension of config.yaml, and the key itself with `goose configure`
        "#]]
        .assert_eq(&said);
    }

    #[test]
    fn a_host_that_only_sounds_like_one_is_not_taken_for_it() {
        for client in ["", "by-hand", "claudette", "zedlike", "my-codex", "discontinue"] {
            assert_eq!(how_to_pass_the_key(Some(client)), how_to_pass_the_key(None), "{client}");
        }
    }
}
