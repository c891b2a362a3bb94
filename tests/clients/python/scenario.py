"""What each Python client does with the server, whatever the SDK and the protocol revision.

Proves: the tools are listed as documented; each succeeds and fails as documented; the same create twice makes one
batch; a call can be cancelled and the next one works; a call that waits reports progress and can be cancelled; with
`--confirm-create` a batch is made after the user's yes and after nothing else. The two client scripts only say how
their SDK connects, lists, calls and cancels.
"""

import json
import os
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

CLIENTS = Path(os.environ["CLIENTS_DIR"])
CONSTANTS = json.loads((CLIENTS / "constants.json").read_text())
LIMIT_SECONDS = 120
STRUCTURED_SINCE = "2025-06-18"
ELICITATION_SINCE = "2025-06-18"
INVALID_PARAMS = -32602
STEPS = 3  # The sandbox moves a batch one state on with each read.
CREATE = {
    "source_directory_id": CONSTANTS["directories"]["small"],
    "config": {"job": {"type": "parse_v2", "configuration_id": CONSTANTS["configurations"]["parse_v2"]}},
}


Progress = Callable[[float, float | None, str | None], Awaitable[None]]


class Driver(Protocol):
    """One connected client. Results and tools are in their wire form."""

    revision: str

    async def list_tools(self) -> list[dict[str, Any]]: ...

    async def call(self, tool: str, arguments: dict[str, Any], progress: Progress | None = None) -> dict[str, Any]: ...

    async def error_code(self, tool: str, arguments: dict[str, Any]) -> int:
        """The code of the protocol error that the call must end with."""
        ...

    async def cancel(self, tool: str, arguments: dict[str, Any], meanwhile: Callable[[], Awaitable[Any]]) -> None:
        """Starts a call, runs `meanwhile` beside it, then cancels the call, which must not have ended."""
        ...


class Person:
    """Who sits before the host: what it says to each question, and which messages it read."""

    def __init__(self) -> None:
        self.reply: dict[str, Any] = {"action": "decline"}
        self.asked: list[str] = []

    def answer(self, message: str) -> dict[str, Any]:
        self.asked.append(message)
        return self.reply


def server(arguments: str = "server_arguments") -> dict[str, Any]:
    """The parameters of `StdioServerParameters`, which both SDKs spell alike: the server, recorded."""
    command = [str(CLIENTS / "record"), os.environ["RECORD_DIR"], os.environ["SERVER_BINARY"]]
    return {
        "command": "bash",
        "args": [*command, *CONSTANTS[arguments]],
        "env": {"LLAMA_CLOUD_API_KEY": CONSTANTS["canary"]},
    }


async def run(client: Driver) -> None:
    """The whole scenario, in one session."""
    tools = await client.list_tools()
    check_tools(tools)
    steps: list[float] = []

    async def note(progress: float, _total: float | None, _message: str | None) -> None:
        steps.append(progress)

    async def call(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return success(await client.call(tool, arguments, note), client.revision)

    batch = await call("create_batch", CREATE)
    assert batch["created"] is True and batch["source_directory_id"] == CREATE["source_directory_id"], batch
    get = {"batch_id": batch["id"], "expand": ["results"]}

    async def listing() -> None:
        listed = await call("list_batches", {"source_directory_id": CREATE["source_directory_id"]})
        assert batch["id"] in [b["id"] for b in listed["batches"]], listed

    # The first read of a batch hangs: the server is started with that fault.
    await client.cancel("get_batch", get, listing)
    for _ in range(STEPS):
        got = await call("get_batch", get)
    # The mapping alone does not say whether every job has ended.
    assert (got["id"], got["status"], got.get("final")) == (batch["id"], "COMPLETED", None), got
    assert got["results"], got
    ended = await call("get_batch", {"batch_id": batch["id"]})
    assert (ended["status"], ended["final"]) == ("COMPLETED", True), ended
    same = await call("create_batch", CREATE)
    assert (same["id"], same["created"]) == (batch["id"], False), same
    assert not steps, "only a call that waits reports progress"

    found = await call("list_directories", {"name": "LEASE"})
    assert [directory["id"] for directory in found["directories"]] == [CREATE["source_directory_id"]], found
    shown = await call("list_directories", {"directory_id": CREATE["source_directory_id"]})
    assert shown["files_total"] == len(shown["files"]) == 4, shown
    first = (await call("list_configurations", {}))["configurations"][0]
    assert (first["id"], first["built_in"]) == (CREATE["config"]["job"]["configuration_id"], True), first

    read = await call("read_result", {"batch_id": batch["id"], "file": "LEASE-oslo"})
    assert (read["file"]["name"], read["pages"]["first"]) == ("lease-oslo.docx", 1), read
    assert "<table>" in read["text"], read
    hits = await call("read_result", {"job_id": read["job_id"], "find": "roof tile"})
    assert (hits["hits_total"], hits["hits"][0]["page"]) == (1, 1), hits

    failing = {"batch_id": "bat-sandbox-failing"}
    for _ in range(STEPS + 2):
        await call("get_batch", failing)
    retried = await call("retry_failed_files", failing)
    assert (retried["retry_of"], retried["created"]) == (failing["batch_id"], True), retried

    failure(await client.call("retry_failed_files", {"batch_id": batch["id"]}), "nothing to retry")
    failure(await client.call("create_batch", {**CREATE, "source_directory_id": "a b"}), "source_directory_id")
    failure(await client.call("read_result", {"batch_id": batch["id"], "file": "lease-olso.docx"}), "lease-oslo.docx")
    failure(await client.call("list_directories", {"directory_id": "Lease contracts"}), "directory_id")
    failure(await client.call("list_configurations", {"job_type": "parse"}), "job_type")
    failure(await client.call("list_batches", {"page_size": 0}), "page_size")
    failure(await client.call("get_batch", {"batch_id": 7}), "batch_id")
    failure(await client.call("get_batch", {"batch_id": CONSTANTS["unknown_batch"]}), CONSTANTS["unknown_batch"])
    assert await client.error_code(CONSTANTS["unknown_tool"], {}) == INVALID_PARAMS

    # A server that can wait reports each poll to a client that asks for it.
    if "wait_seconds" in tools[2]["inputSchema"]["properties"]:
        again = await call("create_batch", {**CREATE, "allow_duplicate": True, "wait_seconds": 60})
        assert again["status"] == "COMPLETED" and again["id"] != batch["id"], again
        assert steps and all(a < b for a, b in pairwise(steps)), steps
        other = await call("create_batch", {**CREATE, "source_directory_id": CONSTANTS["directories"]["throttled"]})
        await client.cancel("get_batch", {"batch_id": other["id"], "wait_seconds": 60}, listing)
        # It was read once, before the wait, and not again: it goes from PENDING to THROTTLED to RUNNING.
        left = await call("get_batch", {"batch_id": other["id"]})
        assert (left["id"], left["status"]) == (other["id"], "RUNNING"), left
    if '"outcomes"' in json.dumps(tools[2]["inputSchema"]):
        outcomes = await call("get_batch", {"batch_id": batch["id"], "expand": ["outcomes"]})
        assert outcomes["id"] == batch["id"] and outcomes["files"], outcomes


async def confirm(client: Driver, person: Person) -> None:
    """A server with `--confirm-create`, in a session of its own."""
    question = [CREATE["source_directory_id"], "4 files", CREATE["config"]["job"]["configuration_id"], "credits"]
    if client.revision < ELICITATION_SINCE:
        failure(await client.call("create_batch", CREATE), "cannot show the user the question")
        assert not person.asked, person.asked
        return
    no = [{"action": "decline"}, {"action": "cancel"}, {"action": "accept", "content": {"confirm": False}}]
    for person.reply in no:
        failure(await client.call("create_batch", CREATE), "No batch was created and nothing was sent")
    listed = success(await client.call("list_batches", {}), client.revision)
    assert listed["batches"] == [], listed
    person.reply = {"action": "accept", "content": {"confirm": True}}
    batch = success(await client.call("create_batch", CREATE), client.revision)
    assert batch["created"] is True, batch
    assert len(person.asked) == len(no) + 1, person.asked
    assert all(word in message for message in person.asked for word in question), person.asked


def check_tools(tools: list[dict[str, Any]]) -> None:
    assert [tool["name"] for tool in tools] == CONSTANTS["tools"], tools
    for tool in tools:
        assert tool["description"] and tool["inputSchema"]["type"] == "object", tool


def success(result: dict[str, Any], revision: str) -> dict[str, Any]:
    """The data of a result that is no error: said twice where the revision has structured content, in text before."""
    (block,) = result["content"]
    assert not result.get("isError"), block
    data = json.loads(block["text"])
    if revision >= STRUCTURED_SINCE:
        assert json.dumps(result["structuredContent"], separators=(",", ":"), ensure_ascii=False) == block["text"]
    else:
        assert "structuredContent" not in result, result
    assert data["summary"].startswith("[sandbox]"), data["summary"]
    return data


def failure(result: dict[str, Any], names: str) -> None:
    """A tool error: text only, naming what was wrong."""
    (block,) = result["content"]
    assert result["isError"] is True and "structuredContent" not in result, result
    assert names in block["text"], block["text"]
