// What the tool does, whatever the SDK: one GET, and the body as the answer's text. Node's `fetch` keeps connections alive.

const baseUrl = process.argv[2];
const headers = { authorization: `Bearer ${process.env.LLAMA_CLOUD_API_KEY}` };

export async function getBatch({ batch_id }) {
  const response = await fetch(`${baseUrl}/api/v2/batches/${batch_id}`, { headers });
  const text = await response.text();
  return { content: [{ type: 'text', text }], isError: !response.ok };
}
