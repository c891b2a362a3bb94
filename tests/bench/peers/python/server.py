"""The same tool with the official Python SDK, 2.x: `server.py BASE-URL TOOLS-FILE`, the key in LLAMA_CLOUD_API_KEY."""

import json
import os
import sys

import httpx2
from mcp.server.mcpserver import MCPServer
from mcp.types import Tool

base_url, tools_file = sys.argv[1:]
with open(tools_file, encoding="utf-8") as file:
    tools = [Tool.model_validate(tool) for tool in json.load(file)]


class Server(MCPServer):
    async def list_tools(self) -> list[Tool]:
        """What the program lists, so that everybody writes as much."""
        return tools


server = Server("bench", log_level="WARNING")
# As many connections as calls that are in flight.
http = httpx2.AsyncClient(
    headers={"authorization": f"Bearer {os.environ['LLAMA_CLOUD_API_KEY']}"},
    limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
)


@server.tool(structured_output=False)
async def get_batch(batch_id: str) -> str:
    """Reads one batch."""
    response = await http.get(f"{base_url}/api/v2/batches/{batch_id}")
    response.raise_for_status()
    return response.text


server.run("stdio")
