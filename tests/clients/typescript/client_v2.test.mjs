// npm `@modelcontextprotocol/client` 2.x drives the built server in the mode that CLIENT_MODE names.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { confirm, constants, LIMIT, Person, run, server } from './scenario.mjs';

const MODES = {
  auto: { mode: 'auto', revision: '2026-07-28' },
  legacy: { mode: 'legacy', revision: '2025-11-25' },
  '2026-07-28': { mode: { pin: '2026-07-28' }, revision: '2026-07-28' },
};
const { mode, revision } = MODES[process.env.CLIENT_MODE];

test(`client 2.x, ${process.env.CLIENT_MODE}`, LIMIT, async () => {
  const client = new Client({ name: 'client-tests', version: '1.0.0' }, { versionNegotiation: { mode } });
  await client.connect(new StdioClientTransport(server()));
  assert.equal(client.getNegotiatedProtocolVersion(), revision);
  try {
    await run({
      listTools: async () => (await client.listTools()).tools,
      call: (name, args, options) => client.callTool({ name, arguments: args }, options),
    });
  } finally {
    await client.close();
  }
});

test(`client 2.x, ${process.env.CLIENT_MODE}: asked before a create`, LIMIT, async () => {
  const options = { versionNegotiation: { mode }, capabilities: { elicitation: {} } };
  const client = new Client({ name: 'client-tests', version: '1.0.0' }, options);
  const person = new Person();
  client.setRequestHandler('elicitation/create', ({ params }) => person.answer(params.message));
  await client.connect(new StdioClientTransport(server(constants.confirm_arguments)));
  try {
    await confirm({ call: (name, args) => client.callTool({ name, arguments: args }) }, person);
  } finally {
    await client.close();
  }
});
