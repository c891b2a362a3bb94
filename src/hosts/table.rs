//! One entry for each host. A new host is a new entry here and a file in `manifests/hosts`.

use super::key::Key;
use super::{Host, Place, Starts, Template};

/// The file in `manifests/hosts` that an entry fills in.
macro_rules! template {
    ($file:literal) => {
        Template {
            file: $file,
            text: include_str!(concat!("../../manifests/hosts/", $file)),
        }
    };
}

/// What most hosts have in common. Those that differ name the difference.
const HOST: Host = Host {
    name: "",
    title: "",
    clients: &[],
    file: Place::Home(""),
    folder_variable: None,
    package: None,
    project_file: None,
    template: Template { file: "", text: "" },
    servers: "mcpServers",
    key: Key::Expanded,
    starts: Starts::FromDesktop,
    add: None,
    link: None,
    shown: "",
    note: None,
};

/// All hosts, in the order in which documents name them.
pub const ALL: &[Host] = &[
    Host {
        name: "claude-code",
        title: "Claude Code",
        clients: &["claude-code"],
        file: Place::Home(".claude.json"),
        folder_variable: Some("CLAUDE_CONFIG_DIR"),
        project_file: Some(".mcp.json"),
        template: template!("claude-code.json"),
        starts: Starts::InShell,
        add: Some("claude mcp add -s user {name} {env:-e} -- {command} {args}"),
        shown: "type `/mcp`",
        note: Some("Claude Code asks for your approval before it starts a server from a project's file."),
        ..HOST
    },
    Host {
        name: "claude-desktop",
        title: "Claude Desktop",
        clients: &["claude"],
        file: Place::Each {
            linux: "~/.config/Claude/claude_desktop_config.json",
            macos: "~/Library/Application Support/Claude/claude_desktop_config.json",
            windows: r"%APPDATA%\Claude\claude_desktop_config.json",
        },
        package: Some("Claude_"),
        template: template!("claude-desktop.json"),
        key: Key::Literal,
        shown: "open Settings, Developer",
        note: Some(
            "The bundle (.mcpb) is the simpler way: Claude Desktop then asks for the key and keeps it in the system's keychain.",
        ),
        ..HOST
    },
    Host {
        name: "codex",
        title: "Codex",
        clients: &["codex"],
        file: Place::Home(".codex/config.toml"),
        folder_variable: Some("CODEX_HOME"),
        project_file: Some(".codex/config.toml"),
        template: template!("codex.toml"),
        servers: "mcp_servers",
        key: Key::Named,
        starts: Starts::InShell,
        add: Some("codex mcp add {name} -- {command} {args}"),
        shown: "type `/mcp`",
        ..HOST
    },
    Host {
        name: "cursor",
        title: "Cursor",
        clients: &["cursor"],
        file: Place::Home(".cursor/mcp.json"),
        project_file: Some(".cursor/mcp.json"),
        template: template!("cursor.json"),
        link: Some("cursor://anysphere.cursor-deeplink/mcp/install?name={name}&config={base64}"),
        shown: "open Cursor Settings, Tools & MCP",
        ..HOST
    },
    Host {
        name: "vscode",
        title: "VS Code",
        clients: &["visual studio code", "vscode"],
        file: Place::Each {
            linux: "~/.config/Code/User/mcp.json",
            macos: "~/Library/Application Support/Code/User/mcp.json",
            windows: r"%APPDATA%\Code\User\mcp.json",
        },
        project_file: Some(".vscode/mcp.json"),
        template: template!("vscode.json"),
        servers: "servers",
        key: Key::Input,
        add: Some("code --add-mcp {json}"),
        link: Some("vscode:mcp/install?{json}"),
        shown: "run the command \"MCP: List Servers\"",
        ..HOST
    },
    Host {
        name: "copilot-cli",
        title: "Copilot CLI",
        clients: &["copilot", "github-copilot"],
        file: Place::Home(".copilot/mcp-config.json"),
        folder_variable: Some("COPILOT_HOME"),
        project_file: Some(".github/mcp.json"),
        template: template!("copilot-cli.json"),
        starts: Starts::InShell,
        add: Some("copilot mcp add {name} {env:--env} -- {command} {args}"),
        shown: "type `/mcp`",
        ..HOST
    },
    Host {
        name: "gemini-cli",
        title: "Gemini CLI",
        clients: &["gemini"],
        file: Place::Home(".gemini/settings.json"),
        project_file: Some(".gemini/settings.json"),
        template: template!("gemini-cli.json"),
        starts: Starts::InShell,
        add: Some("gemini mcp add -s user {env:-e} {name} {command} -- {args}"),
        shown: "type `/mcp`",
        note: Some("Gemini CLI starts servers only in folders that you trust."),
        ..HOST
    },
    Host {
        name: "opencode",
        title: "opencode",
        clients: &["opencode"],
        file: Place::Home(".config/opencode/opencode.json"),
        project_file: Some("opencode.json"),
        template: template!("opencode.json"),
        servers: "mcp",
        starts: Starts::InShell,
        add: Some("opencode mcp add {name} {env:--env} -- {command} {args}"),
        shown: "run `opencode mcp list`",
        ..HOST
    },
    Host {
        name: "cline",
        title: "Cline CLI",
        clients: &["@cline/core", "cline-cli"],
        file: Place::Home(".cline/data/settings/cline_mcp_settings.json"),
        template: template!("cline.json"),
        key: Key::Inherited,
        starts: Starts::InShell,
        add: Some("cline mcp install {name} --yes -- {command} {args}"),
        shown: "run `cline config mcp`",
        ..HOST
    },
    Host {
        name: "cline-extension",
        title: "Cline in VS Code",
        clients: &["cline"],
        file: Place::Each {
            linux: "~/.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
            macos: "~/Library/Application Support/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
            windows: r"%APPDATA%\Code\User\globalStorage\saoudrizwan.claude-dev\settings\cline_mcp_settings.json",
        },
        template: template!("cline-extension.json"),
        key: Key::Literal,
        shown: "open MCP Servers in Cline's panel",
        note: Some("Cline opens its file under MCP Servers, Configure MCP Servers."),
        ..HOST
    },
    Host {
        name: "roo-code",
        title: "Roo Code",
        clients: &["roo code", "roo-code"],
        file: Place::Each {
            linux: "~/.config/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json",
            macos: "~/Library/Application Support/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json",
            windows: r"%APPDATA%\Code\User\globalStorage\rooveterinaryinc.roo-cline\settings\mcp_settings.json",
        },
        project_file: Some(".roo/mcp.json"),
        template: template!("roo-code.json"),
        shown: "open MCP Servers in Roo Code's panel",
        note: Some("Roo Code opens its file under MCP Servers, Edit Global MCP."),
        ..HOST
    },
    Host {
        name: "continue",
        title: "Continue",
        clients: &["continue"],
        file: Place::Home(".continue/config.yaml"),
        project_file: Some(".continue/mcpServers/llamacloud-batches.yaml"),
        template: template!("continue.yaml"),
        starts: Starts::InShell,
        shown: "type `/mcp`",
        note: Some("Continue reads secrets from its environment or from ~/.continue/.env."),
        ..HOST
    },
    Host {
        name: "zed",
        title: "Zed",
        clients: &["zed"],
        file: Place::Each {
            linux: "~/.config/zed/settings.json",
            macos: "~/.config/zed/settings.json",
            windows: r"%APPDATA%\Zed\settings.json",
        },
        project_file: Some(".zed/settings.json"),
        template: template!("zed.json"),
        servers: "context_servers",
        key: Key::Literal,
        shown: "open the settings of the Agent Panel",
        ..HOST
    },
    Host {
        name: "windsurf",
        title: "Windsurf",
        clients: &["windsurf"],
        file: Place::Home(".codeium/windsurf/mcp_config.json"),
        template: template!("windsurf.json"),
        shown: "open the MCP servers of the Cascade panel",
        ..HOST
    },
    Host {
        name: "antigravity",
        title: "Antigravity",
        clients: &["antigravity"],
        file: Place::Home(".gemini/config/mcp_config.json"),
        project_file: Some(".agents/mcp_config.json"),
        template: template!("antigravity.json"),
        key: Key::Literal,
        shown: "choose MCP Servers in the menu \"…\" of the Agent panel, or type `/mcp` in its CLI",
        note: Some("Versions before 2.0 read ~/.gemini/antigravity/mcp_config.json."),
        ..HOST
    },
    Host {
        name: "junie",
        title: "JetBrains Junie",
        clients: &["junie", "jetbrains"],
        file: Place::Home(".junie/mcp/mcp.json"),
        project_file: Some(".junie/mcp/mcp.json"),
        template: template!("junie.json"),
        key: Key::Literal,
        shown: "open Settings, Tools, Junie, MCP Settings",
        note: Some(
            "JetBrains AI Assistant takes the same text under Settings, Tools, AI Assistant, Model Context Protocol.",
        ),
        ..HOST
    },
    Host {
        name: "kiro",
        title: "Kiro",
        clients: &["kiro"],
        file: Place::Home(".kiro/settings/mcp.json"),
        project_file: Some(".kiro/settings/mcp.json"),
        template: template!("kiro.json"),
        link: Some("https://kiro.dev/launch/mcp/add?name={name}&config={entry}"),
        shown: "open MCP Servers in the Kiro panel",
        ..HOST
    },
    Host {
        name: "lm-studio",
        title: "LM Studio",
        clients: &["lm-studio", "lmstudio", "lm studio"],
        file: Place::Home(".lmstudio/mcp.json"),
        template: template!("lm-studio.json"),
        key: Key::Literal,
        link: Some("lmstudio://add_mcp?name={name}&config={base64}"),
        shown: "open the Program tab",
        note: Some("LM Studio opens its file in its Program tab, under Install, Edit mcp.json."),
        ..HOST
    },
    Host {
        name: "warp",
        title: "Warp",
        clients: &["warp"],
        file: Place::Home(".warp/.mcp.json"),
        project_file: Some(".warp/.mcp.json"),
        template: template!("warp.json"),
        shown: "open Settings, AI, Manage MCP servers",
        ..HOST
    },
    Host {
        name: "amp",
        title: "Amp",
        clients: &["amp"],
        file: Place::Home(".config/amp/settings.json"),
        project_file: Some(".amp/settings.json"),
        template: template!("amp.json"),
        servers: "amp.mcpServers",
        starts: Starts::InShell,
        add: Some("amp mcp add {name} {env:--env} -- {command} {args}"),
        shown: "run `amp mcp doctor`",
        note: Some("Amp starts a server of a project's file only after `amp mcp approve llamacloud-batches`."),
        ..HOST
    },
    Host {
        name: "qwen-code",
        title: "Qwen Code",
        clients: &["qwen"],
        file: Place::Home(".qwen/settings.json"),
        folder_variable: Some("QWEN_HOME"),
        project_file: Some(".qwen/settings.json"),
        template: template!("qwen-code.json"),
        starts: Starts::InShell,
        add: Some("qwen mcp add -s user {env:-e} {name} {command} -- {args}"),
        shown: "type `/mcp`",
        ..HOST
    },
    Host {
        name: "crush",
        title: "Crush",
        clients: &["crush"],
        file: Place::Each {
            linux: "~/.config/crush/crush.json",
            macos: "~/.config/crush/crush.json",
            windows: r"%LOCALAPPDATA%\crush\crush.json",
        },
        project_file: Some("crush.json"),
        template: template!("crush.json"),
        servers: "mcp",
        starts: Starts::InShell,
        shown: "look at the MCPs in its sidebar",
        ..HOST
    },
    Host {
        name: "goose",
        title: "goose",
        clients: &["goose"],
        file: Place::Each {
            linux: "~/.config/goose/config.yaml",
            macos: "~/.config/goose/config.yaml",
            windows: r"%APPDATA%\Block\goose\config\config.yaml",
        },
        template: template!("goose.yaml"),
        key: Key::Keyring,
        starts: Starts::InShell,
        shown: "run `goose configure`",
        ..HOST
    },
    Host {
        name: "librechat",
        title: "LibreChat",
        clients: &["librechat"],
        file: Place::Project("librechat.yaml"),
        template: template!("librechat.yaml"),
        starts: Starts::InShell,
        shown: "open the MCP servers below the message box",
        note: Some(
            "LibreChat reads the variable from its .env file. If it runs in a container, this program has to be in the container.",
        ),
        ..HOST
    },
];
