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
    use expect_test::{Expect, expect};

    use super::*;

    fn check(client: &str, expected: &Expect) {
        expected.assert_eq(&how_to_pass_the_key(Some(client)));
    }

    #[test]
    fn each_host_is_answered_in_its_own_syntax() {
        for (client, expected) in [
            (
                "claude-code",
                expect![[
                    r#"The user has to pass it to this server: `"env": {"LLAMA_CLOUD_API_KEY": "${LLAMA_CLOUD_API_KEY}"}` in .mcp.json, with the variable set before Claude Code starts; then restart the server."#
                ]],
            ),
            (
                "claude-ai",
                expect![[
                    r#"The user has to pass it to this server: `"env": {"LLAMA_CLOUD_API_KEY": "llx-your-key"}` in claude_desktop_config.json, with the key itself in place of llx-your-key; then restart the server."#
                ]],
            ),
            (
                "codex-mcp-client",
                expect![[
                    r#"The user has to pass it to this server: `env_vars = ["LLAMA_CLOUD_API_KEY"]` in this server's table of config.toml, with the variable set before Codex starts; then restart the server."#
                ]],
            ),
            (
                "cursor-vscode",
                expect![[
                    r#"The user has to pass it to this server: `"env": {"LLAMA_CLOUD_API_KEY": "${env:LLAMA_CLOUD_API_KEY}"}` in mcp.json, with the variable set before Cursor starts; then restart the server."#
                ]],
            ),
            (
                "Visual Studio Code",
                expect![[
                    r#"The user has to pass it to this server: `"env": {"LLAMA_CLOUD_API_KEY": "${input:llama-cloud-api-key}"}` in mcp.json, with an input of that id; then restart the server."#
                ]],
            ),
            (
                "copilot-cli",
                expect![[
                    r#"The user has to pass it to this server: `"env": {"LLAMA_CLOUD_API_KEY": "${LLAMA_CLOUD_API_KEY}"}` in mcp-config.json, with the variable set before Copilot CLI starts; then restart the server."#
                ]],
            ),
            (
                "gemini-cli-mcp-client",
                expect![[
                    r#"The user has to pass it to this server: `"env": {"LLAMA_CLOUD_API_KEY": "$LLAMA_CLOUD_API_KEY"}` in settings.json, with the variable set before Gemini CLI starts; then restart the server."#
                ]],
            ),
            (
                "opencode",
                expect![[
                    r#"The user has to pass it to this server: `"environment": {"LLAMA_CLOUD_API_KEY": "{env:LLAMA_CLOUD_API_KEY}"}` in opencode.json, with the variable set before opencode starts; then restart the server."#
                ]],
            ),
            (
                "@cline/core",
                expect![
                    "The user has to pass it to this server: the variable LLAMA_CLOUD_API_KEY, set before Cline CLI starts; then restart the server."
                ],
            ),
            (
                "Cline",
                expect![[
                    r#"The user has to pass it to this server: `"env": {"LLAMA_CLOUD_API_KEY": "llx-your-key"}` in cline_mcp_settings.json, with the key itself in place of llx-your-key; then restart the server."#
                ]],
            ),
            (
                "continue-cli-client",
                expect![[
                    r#"The user has to pass it to this server: `LLAMA_CLOUD_API_KEY: "${{ secrets.LLAMA_CLOUD_API_KEY }}"` in config.yaml, with the variable set before Continue starts; then restart the server."#
                ]],
            ),
            (
                "Zed",
                expect![[
                    r#"The user has to pass it to this server: `"env": {"LLAMA_CLOUD_API_KEY": "llx-your-key"}` in settings.json, with the key itself in place of llx-your-key; then restart the server."#
                ]],
            ),
            (
                "windsurf-client",
                expect![[
                    r#"The user has to pass it to this server: `"env": {"LLAMA_CLOUD_API_KEY": "${env:LLAMA_CLOUD_API_KEY}"}` in mcp_config.json, with the variable set before Windsurf starts; then restart the server."#
                ]],
            ),
            (
                "junie",
                expect![[
                    r#"The user has to pass it to this server: `"env": {"LLAMA_CLOUD_API_KEY": "llx-your-key"}` in mcp.json, with the key itself in place of llx-your-key; then restart the server."#
                ]],
            ),
            (
                "Kiro",
                expect![[
                    r#"The user has to pass it to this server: `"env": {"LLAMA_CLOUD_API_KEY": "${LLAMA_CLOUD_API_KEY}"}` in mcp.json, with the variable set before Kiro starts; then restart the server."#
                ]],
            ),
            (
                "lmstudio-mcp-bridge",
                expect![[
                    r#"The user has to pass it to this server: `"env": {"LLAMA_CLOUD_API_KEY": "llx-your-key"}` in mcp.json, with the key itself in place of llx-your-key; then restart the server."#
                ]],
            ),
            (
                "Warp",
                expect![[
                    r#"The user has to pass it to this server: `"env": {"LLAMA_CLOUD_API_KEY": "${LLAMA_CLOUD_API_KEY}"}` in .mcp.json, with the variable set before Warp starts; then restart the server."#
                ]],
            ),
            (
                "goose-desktop",
                expect![
                    "The user has to pass it to this server: `env_keys: [LLAMA_CLOUD_API_KEY]` in this server's extension of config.yaml, and the key itself with `goose configure`; then restart the server."
                ],
            ),
        ] {
            check(client, &expected);
        }
    }

    #[test]
    fn a_host_that_only_sounds_like_one_is_not_taken_for_it() {
        for client in ["", "by-hand", "claudette", "zedlike", "my-codex", "discontinue"] {
            assert_eq!(how_to_pass_the_key(Some(client)), how_to_pass_the_key(None), "{client}");
        }
    }
}
