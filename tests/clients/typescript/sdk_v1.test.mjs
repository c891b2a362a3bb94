// npm `@modelcontextprotocol/sdk` 1.x drives the built server at its newest revision, which CLIENT_MODE names.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { confirm, constants, LIMIT, Person, run, server } from './scenario.mjs';

test(`sdk 1.x, ${process.env.CLIENT_MODE}`, LIMIT, async () => {
  const client = new Client({ name: 'client-tests', version: '1.0.0' });
  const transport = new StdioClientTransport(server());
  let revision;
  transport.setProtocolVersion = (negotiated) => (revision = negotiated);
  await client.connect(transport);
  assert.equal(revision, process.env.CLIENT_MODE);
  try {
    await run({
      listTools: async () => (await client.listTools()).tools,
      call: (name, args, options) => client.callTool({ name, arguments: args }, undefined, options),
    });
  } finally {
    await client.close();
  }
});

test(`sdk 1.x, ${process.env.CLIENT_MODE}: asked before a create`, LIMIT, async () => {
  const client = new Client({ name: 'client-tests', version: '1.0.0' }, { capabilities: { elicitation: {} } });
  const person = new Person();
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => person.answer(params.message));
  await client.connect(new StdioClientTransport(server(constants.confirm_arguments)));
  try {
    await confirm({ call: (name, args) => client.callTool({ name, arguments: args }) }, person);
  } finally {
    await client.close();
  }
});
