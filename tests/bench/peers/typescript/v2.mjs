// The same tool with the official TypeScript SDK, 2.x: `node v2.mjs BASE-URL TOOLS-FILE`, the key in LLAMA_CLOUD_API_KEY.

import { readFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';
import { getBatch } from './get_batch.mjs';

const tools = JSON.parse(readFileSync(process.argv[3], 'utf8'));
serveStdio(() => {
  const server = new McpServer({ name: 'bench', version: '0.0.0' });
  const inputSchema = z.object({ batch_id: z.string() });
  server.registerTool('get_batch', { description: 'Reads one batch.', inputSchema }, getBatch);
  // What the program lists, so that everybody writes as much.
  server.server.setRequestHandler('tools/list', () => ({ tools }));
  return server;
});
