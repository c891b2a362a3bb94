//! How each host hands the API key to a server it starts, in that host's own syntax.

const NAME: &str = "LLAMA_CLOUD_API_KEY";

/// What the user has to do so that the key arrives, for the host of this name (`clientInfo.name`).
pub(crate) fn how_to_pass_the_key(client: Option<&str>) -> String {
    let client = client.unwrap_or_default().to_ascii_lowercase();
    let known: [(&str, &str); 9] = [
        (
            "claude-code",
            "`\"env\": {\"LLAMA_CLOUD_API_KEY\": \"${LLAMA_CLOUD_API_KEY}\"}` in .mcp.json, with the variable set before Claude Code starts",
        ),
        (
            "claude",
            "`\"env\": {\"LLAMA_CLOUD_API_KEY\": \"…\"}` in claude_desktop_config.json, with the key itself",
        ),
        (
            "codex",
            "`env_vars = [\"LLAMA_CLOUD_API_KEY\"]` in this server's table of config.toml, with the variable set before Codex starts",
        ),
        (
            "gemini",
            "`\"env\": {\"LLAMA_CLOUD_API_KEY\": \"$LLAMA_CLOUD_API_KEY\"}` in settings.json, with the variable set before Gemini CLI starts",
        ),
        (
            "copilot",
            "`\"env\": {\"LLAMA_CLOUD_API_KEY\": \"${LLAMA_CLOUD_API_KEY}\"}` in mcp-config.json, with the variable set before Copilot starts",
        ),
        (
            "visual studio code",
            "`\"env\": {\"LLAMA_CLOUD_API_KEY\": \"${input:llama-cloud-api-key}\"}` in mcp.json, with an input of that id",
        ),
        (
            "cursor",
            "`\"env\": {\"LLAMA_CLOUD_API_KEY\": \"${env:LLAMA_CLOUD_API_KEY}\"}` in mcp.json, with the variable set before Cursor starts",
        ),
        (
            "opencode",
            "`\"environment\": {\"LLAMA_CLOUD_API_KEY\": \"{env:LLAMA_CLOUD_API_KEY}\"}` in opencode.json",
        ),
        (
            "continue",
            "`LLAMA_CLOUD_API_KEY: ${{ secrets.LLAMA_CLOUD_API_KEY }}` under `env` in config.yaml",
        ),
    ];
    match known.iter().find(|(name, _)| client.contains(name)) {
        Some((_, how)) => format!("The user has to pass it to this server: {how}; then restart the server."),
        None => format!(
            "The user has to set {NAME} in the environment of this server's entry in the host's MCP configuration, and restart the server."
        ),
    }
}
