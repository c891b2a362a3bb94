"""The SDKs of two model makers take every tool and call it: openai-agents with strict schemas, google-genai with an MCP session.

A stand-in takes the place of the model: it calls each tool that it is offered once, and answers nothing else. openai-agents makes
every argument required, so what a model has no value for arrives as `null`, or as an empty text. Arguments: the SDK's name.
"""

import json
import os
import sys
import tempfile
import threading
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio

ROOT = Path(os.environ["CLIENTS_DIR"]).parents[1]
BINARY = os.environ["SERVER_BINARY"]
JOB = {"type": "parse_v2", "configuration_id": "cfg-PARSE_AGENTIC"}
# What a model has to pass to each tool. Each tool on offer must be named here.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "create_batch": {"source_directory_id": "dir-small", "config": {"job": JOB}},
    "list_batches": {},
    "get_batch": {"batch_id": "bat-sandbox-small"},
    "list_directories": {},
    "list_configurations": {},
    "read_result": {"batch_id": "bat-sandbox-documents", "file": "annual-report.pdf"},
    "retry_failed_files": {"batch_id": "bat-sandbox-failing"},
    "upload_files": {"path": "."},
    "save_results": {"batch_id": "bat-sandbox-documents"},
    "cancel_batch": {"batch_id": "bat-sandbox-small"},
}


def command(output: str) -> dict[str, Any]:
    """The server with every tool on offer."""
    folders = ["--allow-dir", str(ROOT / "examples/documents"), "--output-dir", output]
    return {"command": BINARY, "args": ["--sandbox", "--sandbox-speed", "instant", "--allow-cancel", *folders], "env": {}}


def check(called: dict[str, str], offered: list[str]) -> None:
    """Each tool on offer was called, and each call was answered by the tool and not refused for its arguments."""
    assert sorted(called) == sorted(offered) and len(offered) >= 3, (sorted(called), sorted(offered))
    for tool, answer in called.items():
        assert "[sandbox]" in answer, f"{tool}: {answer}"


async def openai_agents() -> None:
    """Every tool is strict, and is called with a value for every argument."""
    from agents import Agent, Model, ModelResponse, Runner, Usage, set_tracing_disabled
    from agents.mcp import MCPServerStdio
    from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

    set_tracing_disabled(True)

    class StandIn(Model):
        """Calls each tool once, with `absent` for what it has no value for; then says that it is done."""

        def __init__(self, absent: Any) -> None:
            self.absent = absent
            self.called: dict[str, str] = {}
            self.offered: list[str] = []

        async def get_response(self, **turn: Any) -> ModelResponse:
            items, tools = turn["input"], turn["tools"]
            if self.offered:
                names = {item["call_id"]: item["name"] for item in items if item.get("type") == "function_call"}
                answers = [item for item in items if item.get("type") == "function_call_output"]
                self.called = {names[item["call_id"]]: json.dumps(item["output"]) for item in answers}
                text = ResponseOutputText(type="output_text", text="done", annotations=[])
                output = [ResponseOutputMessage(id="m", type="message", role="assistant", status="completed", content=[text])]
                return ModelResponse(output=output, usage=Usage(), response_id=None)
            output = []
            for tool in tools:
                self.offered.append(tool.name)
                assert tool.strict_json_schema, f"{tool.name} has no strict schema"
                properties = tool.params_json_schema["properties"]
                assert sorted(tool.params_json_schema["required"]) == sorted(properties), tool.name
                arguments = dict.fromkeys(properties, self.absent) | ARGUMENTS[tool.name]
                call = {"call_id": tool.name, "name": tool.name, "arguments": json.dumps(arguments)}
                output.append(ResponseFunctionToolCall(type="function_call", **call))
            return ModelResponse(output=output, usage=Usage(), response_id=None)

        def stream_response(self, *_args, **_more):
            raise NotImplementedError

    for absent in [None, ""]:
        with tempfile.TemporaryDirectory() as output:
            async with MCPServerStdio(params=command(output), client_session_timeout_seconds=60) as server:
                model = StandIn(absent)
                agent = Agent(
                    name="clerk",
                    model=model,
                    mcp_servers=[server],
                    mcp_config={"convert_schemas_to_strict": True},
                )
                await Runner.run(agent, "Use every tool.")
                check(model.called, model.offered)


@asynccontextmanager
async def gemini():
    """A stand-in for the Gemini API: it asks for a call of each declared tool, one after the other."""
    seen: dict[str, Any] = {"called": {}, "offered": []}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            declared = [tool for tools in request["tools"] for tool in tools["functionDeclarations"]]
            seen["offered"] = [tool["name"] for tool in declared]
            seen["declared"] = declared
            for content in request["contents"]:
                for part in content["parts"]:
                    if answer := part.get("functionResponse"):
                        seen["called"][answer["name"]] = json.dumps(answer["response"])
            left = [name for name in seen["offered"] if name not in seen["called"]]
            part = {"functionCall": {"name": left[0], "args": ARGUMENTS[left[0]]}} if left else {"text": "done"}
            content = {"role": "model", "parts": [part]}
            body = json.dumps({"candidates": [{"content": content, "finishReason": "STOP"}]}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()


async def google_genai() -> None:
    """Every tool is converted with all of its arguments, and is called by the SDK itself."""
    from google import genai
    from google.genai import types
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    with tempfile.TemporaryDirectory() as output:
        async with (
            gemini() as (url, seen),
            stdio_client(StdioServerParameters(**command(output))) as (read, write),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            listed = (await session.list_tools()).model_dump(by_alias=True)["tools"]
            client = genai.Client(api_key="none", http_options=types.HttpOptions(base_url=url))
            calls = types.AutomaticFunctionCallingConfig(maximum_remote_calls=len(listed) + 1)
            # As a dictionary: the SDK copies a typed configuration deeply, which a session does not survive.
            config = {"tools": [session], "automatic_function_calling": calls}
            await client.aio.models.generate_content(model="gemini", contents="Use every tool.", config=config)
            check(seen["called"], seen["offered"])
            assert seen["offered"] == [tool["name"] for tool in listed]
            for tool, declared in zip(listed, seen["declared"], strict=True):
                parameters = declared.get("parameters") or declared["parametersJsonSchema"]
                assert parameters["properties"].keys() == tool["inputSchema"]["properties"].keys(), declared


anyio.run({"openai-agents": openai_agents, "google-genai": google_genai}[sys.argv[1]])
