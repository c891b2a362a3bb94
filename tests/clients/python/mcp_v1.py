"""PyPI `mcp` 1.x drives the built server; the argument is the protocol revision that it asks for."""

import sys
from typing import Any

import anyio
import scenario
from mcp import ClientSession, McpError, StdioServerParameters, types
from mcp.client.stdio import stdio_client


class Driver:
    def __init__(self, session: ClientSession, revision: str) -> None:
        self.session = session
        self.revision = revision

    async def list_tools(self) -> list[dict[str, Any]]:
        return wire(await self.session.list_tools())["tools"]

    async def call(self, tool: str, arguments: dict[str, Any], progress: Any = None) -> dict[str, Any]:
        return wire(await self.session.call_tool(tool, arguments, progress_callback=progress))

    async def error_code(self, tool: str, arguments: dict[str, Any]) -> int:
        try:
            await self.session.call_tool(tool, arguments)
        except McpError as error:
            return error.error.code
        raise AssertionError(f"{tool} was answered")

    async def cancel(self, tool: str, arguments: dict[str, Any], meanwhile: Any) -> None:
        """This SDK has no cancelling of its own: the notification is sent by hand, and the call given up."""

        async def slow(*, task_status: anyio.abc.TaskStatus[anyio.CancelScope]) -> None:
            with anyio.CancelScope() as scope:
                task_status.started(scope)
                raise AssertionError(f"not cancelled: {await self.call(tool, arguments)}")

        request = self.session._request_id
        async with anyio.create_task_group() as group:
            scope = await group.start(slow)
            await meanwhile()
            params = types.CancelledNotificationParams(requestId=request, reason="no longer needed")
            await self.session.send_notification(types.ClientNotification(types.CancelledNotification(params=params)))
            scope.cancel()


def wire(result: Any) -> dict[str, Any]:
    return result.model_dump(mode="json", by_alias=True, exclude_unset=True)


async def main(revision: str) -> None:
    types.LATEST_PROTOCOL_VERSION = revision
    person = scenario.Person()

    async def ask(_context: Any, params: Any) -> types.ElicitResult:
        return types.ElicitResult(**person.answer(params.message))

    with anyio.fail_after(scenario.LIMIT_SECONDS):
        async with (
            stdio_client(StdioServerParameters(**scenario.server())) as (read, write),
            ClientSession(read, write) as session,
        ):
            answer = await session.initialize()
            assert answer.protocolVersion == revision, answer
            assert answer.instructions, answer
            await scenario.run(Driver(session, revision))
        async with (
            stdio_client(StdioServerParameters(**scenario.server("confirm_arguments"))) as (read, write),
            ClientSession(read, write, elicitation_callback=ask) as session,
        ):
            await session.initialize()
            await scenario.confirm(Driver(session, revision), person)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1])
