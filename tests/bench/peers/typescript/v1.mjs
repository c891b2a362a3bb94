// The same tool with the official TypeScript SDK, 1.x: `node v1.mjs BASE-URL TOOLS-FILE`, the key in LLAMA_CLOUD_API_KEY.

import { readFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { getBatch } from './get_batch.mjs';

const tools = JSON.parse(readFileSync(process.argv[3], 'utf8'));
const server = new McpServer({ name: 'bench', version: '0.0.0' });
server.registerTool('get_batch', { description: 'Reads one batch.', inputSchema: { batch_id: z.string() } }, getBatch);
// What the program lists, so that everybody writes as much.
server.server.setRequestHandler(ListToolsRequestSchema, () => ({ tools }));
await server.connect(new StdioServerTransport());
