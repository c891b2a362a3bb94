"""PyPI `mcp` 2.x drives the built server; the argument is the client's mode: auto, legacy or 2026-07-28."""

import sys
from typing import Any

import anyio
import scenario
from mcp import Client, MCPError, StdioServerParameters
from mcp.types import ElicitResult

REVISIONS = {"auto": "2026-07-28", "legacy": "2025-11-25", "2026-07-28": "2026-07-28"}


class Driver:
    def __init__(self, client: Client) -> None:
        self.client = client
        self.revision = client.protocol_version

    async def list_tools(self) -> list[dict[str, Any]]:
        return wire(await self.client.list_tools())["tools"]

    async def call(self, tool: str, arguments: dict[str, Any], progress: Any = None) -> dict[str, Any]:
        return wire(await self.client.call_tool(tool, arguments, progress_callback=progress))

    async def error_code(self, tool: str, arguments: dict[str, Any]) -> int:
        try:
            await self.client.call_tool(tool, arguments)
        except MCPError as error:
            return error.error.code
        raise AssertionError(f"{tool} was answered")

    async def cancel(self, tool: str, arguments: dict[str, Any], meanwhile: Any) -> None:
        async def slow(*, task_status: anyio.abc.TaskStatus[anyio.CancelScope]) -> None:
            with anyio.CancelScope() as scope:
                task_status.started(scope)
                raise AssertionError(f"not cancelled: {await self.call(tool, arguments)}")

        async with anyio.create_task_group() as group:
            scope = await group.start(slow)
            await meanwhile()
            scope.cancel()


def wire(result: Any) -> dict[str, Any]:
    return result.model_dump(mode="json", by_alias=True, exclude_unset=True)


async def main(mode: str) -> None:
    person = scenario.Person()

    async def ask(_context: Any, params: Any) -> ElicitResult:
        return ElicitResult(**person.answer(params.message))

    with anyio.fail_after(scenario.LIMIT_SECONDS):
        async with Client(StdioServerParameters(**scenario.server()), mode=mode) as client:
            assert client.protocol_version == REVISIONS[mode], client.protocol_version
            await scenario.run(Driver(client))
        confirming = StdioServerParameters(**scenario.server("confirm_arguments"))
        async with Client(confirming, mode=mode, elicitation_callback=ask) as client:
            await scenario.confirm(Driver(client), person)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1])
