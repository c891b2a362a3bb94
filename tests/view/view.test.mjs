// The view of a batch in Chromium, shown by the official bridge. `tests/view/run` installs what this needs.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { Browser, NOW } from "./browser.mjs";
import { PROFILES, STATIC } from "./profiles.mjs";
import { html, Server } from "./server.mjs";
import { failure, FAILURES, result, STATES } from "./states.mjs";

const ID = FAILURES.id;
const { GOLDENS, PICTURES, DOCS } = process.env;
// The pictures of docs/view.md. Their pixels depend on the machine's fonts, so they are made and not compared.
const IN_DOCS = { "running-vscode-dark": "view-running.png", "failures-claude-light": "view-failures.png" };
// What the view says next depends on the tools that its server offers; here all of them.
const EVERY_TOOL = "create_batch get_batch read_result retry_failed_files cancel_batch";
let browser, view;

before(async () => {
  mkdirSync(PICTURES, { recursive: true });
  const [launched, served] = await Promise.all([Browser.launch(), html("--allow-cancel")]);
  browser = launched;
  assert.match(served, /<body data-tools="create_batch [a-z_ ]*\bget_batch\b[a-z_ ]*\bcancel_batch\b/);
  view = served.replace(/data-tools="[^"]*"/, `data-tools="${EVERY_TOOL}"`);
});
after(() => browser.close());

/** Shows a view, lets the test use it, and holds every view to what no view may do. */
async function shown(options, use) {
  const one = await browser.open(options.html ?? view, { profile: PROFILES.claude, ...options });
  await use(one);
  assert.deepEqual(one.complaints, [], "no error on the console, no violation of the policy");
  assert.equal(await one.overflows(), false, "nothing is wider than the frame");
  for (const { params } of one.requests) assert.equal(params.arguments?.wait_seconds, undefined);
  await one.close();
}

function golden(name, text) {
  const path = `${GOLDENS}/${name}.txt`;
  if (process.env.UPDATE_EXPECT) writeFileSync(path, text);
  assert.ok(existsSync(path), `${path} is missing; UPDATE_EXPECT=1 writes it`);
  assert.equal(text, readFileSync(path, "utf8"), name);
}

for (const [name, profile] of Object.entries(PROFILES)) {
  for (const theme of ["light", "dark"]) {
    test(`${name}, ${theme}: every state`, async () => {
      await shown({ profile, theme }, async (one) => {
        for (const [state, batch] of Object.entries(STATES)) {
          await one.reopen({ profile, theme, answer: () => result(batch) });
          await one.page.clock.setSystemTime(NOW);
          await one.result(result(batch));
          await one.pass(0.1);
          golden(state, await one.picture());
          assert.equal(await one.overflows(), false, state);
          const picture = `${state}-${name}-${theme}`;
          await one.page.locator("iframe").screenshot({ path: `${PICTURES}/${picture}.png` });
          if (process.env.UPDATE_EXPECT && IN_DOCS[picture]) copyFileSync(`${PICTURES}/${picture}.png`, `${DOCS}/${IN_DOCS[picture]}`);
        }
      });
    });
  }
}

test("it looks soon after a result, then as often as it was told, and stops when the batch is final", async () => {
  const answers = [STATES.running, STATES.stragglers, FAILURES];
  await shown({ answer: (method) => (method === "tools/call" ? result(answers.shift()) : {}) }, async (one) => {
    await one.input({ source_directory_id: "dir-1", project_id: "prj-9" });
    await one.result(result(STATES.pending));
    await one.pass(1.9);
    assert.equal(one.calls("get_batch").length, 0);
    await one.pass(0.2);
    assert.deepEqual(one.calls("get_batch")[0].params.arguments, { batch_id: ID, project_id: "prj-9" });
    await one.pass(14.8);
    assert.equal(one.calls("get_batch").length, 1);
    await one.pass(0.3);
    await one.pass(15.1);
    assert.equal(one.calls("get_batch").length, 3);
    assert.match(await one.picture(), /Finished: 5 of 12 files failed/);
    await one.pass(120);
    assert.equal(one.calls("get_batch").length, 3);
    const told = one.requests.filter(({ method }) => method === "ui/update-model-context");
    assert.equal(told.length, 1);
    assert.equal(told[0].params.content[0].text, `Batch ${ID} is COMPLETED: 7 succeeded, 4 failed, 1 could not be started. The user sees this in a view.`);
  });
});

test("a view that is rebuilt with an old result shows the truth two seconds later", async () => {
  await shown({ answer: () => result(STATES.completed) }, async (one) => {
    await one.result(result(STATES.pending));
    await one.pass(2.1);
    assert.match(await one.picture(), /Finished: all 12 files succeeded/);
  });
});

test("a call that is refused twice ends the refreshing, and Refresh stays", async () => {
  let refuses = true;
  const answer = () => { if (refuses) throw new Error("refused"); return result(STATES.completed); };
  await shown({ profile: PROFILES.cursor, answer }, async (one) => {
    await one.result(result(STATES.running));
    await one.pass(2.1);
    await one.pass(120);
    assert.equal(one.calls("get_batch").length, 2);
    assert.match(await one.picture(), /does not let this view refresh itself/);
    refuses = false;
    await one.view.getByRole("button", { name: "Refresh" }).click();
    await one.view.getByText("Finished: all 12 files succeeded").waitFor();
  });
});

test("failed looks come less and less often, and the last picture stays", async () => {
  await shown({ answer: () => failure("LlamaCloud did not answer.") }, async (one) => {
    await one.result(result(STATES.running));
    await one.pass(2.1);
    assert.match(await one.picture(), /Processing files\.[^]*could not be read just now\. Trying again in 30 s\./);
    await one.pass(30.1);
    assert.match(await one.picture(), /Trying again in 1 min 0 s\./);
    await one.pass(600);
    assert.ok(one.calls("get_batch").length <= 6, "each pause is twice the one before");
  });
});

test("without a result it looks for the batch that the call named", async () => {
  await shown({ answer: () => result(STATES.running) }, async (one) => {
    await one.input({ batch_id: ID });
    await one.pass(4.9);
    assert.equal(one.calls("get_batch").length, 0);
    await one.pass(0.2);
    assert.match(await one.picture(), /Processing files/);
  });
});

test("out of sight it looks at nothing, and once when it is back", async () => {
  await shown({ answer: () => result(STATES.running) }, async (one) => {
    await one.result(result(STATES.running));
    await one.page.evaluate(() => { document.querySelector("iframe").style.marginTop = "5000px"; });
    await one.view.waitForFunction(() => new Promise((resolve) => new IntersectionObserver(([entry]) => resolve(!entry.isIntersecting)).observe(document.body)));
    await one.pass(120);
    assert.equal(one.calls("get_batch").length, 0);
    await one.page.evaluate(() => { document.querySelector("iframe").style.marginTop = "0"; });
    await one.view.getByText("updated").waitFor();
    await one.view.waitForFunction(() => new Promise((resolve) => new IntersectionObserver(([entry]) => resolve(entry.isIntersecting)).observe(document.body)));
    await one.pass(1);
    assert.equal(one.calls("get_batch").length, 1);
  });
});

test("a teardown is answered and ends everything", async () => {
  await shown({ answer: () => result(STATES.running) }, async (one) => {
    await one.result(result(STATES.running));
    assert.deepEqual(await one.send("teardownResource", {}), {});
    await one.pass(120);
    assert.equal(one.requests.length, 0);
  });
});

test("cancelling takes two presses", async () => {
  let now = STATES.running;
  const answer = (method, params) => {
    if (params.name === "cancel_batch") now = STATES.cancelled;
    return method === "tools/call" ? result(now) : {};
  };
  await shown({ answer }, async (one) => {
    await one.result(result(STATES.running));
    const button = () => one.view.getByRole("button", { name: /cancel/i });
    await button().click();
    assert.equal(one.calls("cancel_batch").length, 0);
    await one.pass(6.1);
    assert.equal(await button().textContent(), "Cancel batch");
    await button().click();
    await button().click();
    await one.view.getByText("Cancelled. Files that had finished keep their results.").waitFor();
    assert.deepEqual(one.calls("cancel_batch").map(({ params }) => params.arguments), [{ batch_id: ID }]);
  });
});

test("why a batch could not be cancelled stays to be read", async () => {
  const answer = (method, { name }) => (name === "cancel_batch" ? failure("LlamaCloud did not answer.") : result(STATES.running));
  await shown({ answer }, async (one) => {
    await one.result(result(STATES.running));
    const button = one.view.getByRole("button", { name: /cancel/i });
    await button.click();
    await button.click();
    await one.settle();
    assert.match(await one.picture(), /LlamaCloud did not answer\./);
  });
});

test("no button where the server or the host offers nothing", async () => {
  await shown({ html: await html() }, async (one) => {
    await one.result(result(STATES.running));
    assert.equal(await one.view.getByRole("button", { name: /cancel/i }).count(), 0);
    assert.equal(await one.view.getByRole("button", { name: "Refresh" }).count(), 1);
  });
  await shown({ html: await html("--tools", "create_batch") }, async (one) => {
    await one.result(result(STATES.running));
    await one.pass(120);
    assert.equal(await one.view.getByRole("button").count(), 0);
    assert.equal(one.requests.length, 0);
  });
  await shown({ profile: STATIC }, async (one) => {
    await one.result(result(STATES.running));
    assert.equal(await one.view.getByRole("button").count(), 0);
    await one.pass(120);
    assert.equal(one.requests.length, 0);
  });
});

test("text alone, failed calls and stopped calls are shown", async () => {
  await shown({}, async (one) => {
    const { content } = result(FAILURES);
    await one.result({ content });
    await one.pass(1);
    golden("failures", await one.picture());
  });
  await shown({}, async (one) => {
    await one.result(failure("LlamaCloud rejected the API key (401).\nSet LLAMA_CLOUD_API_KEY."));
    golden("error", await one.picture());
  });
  await shown({}, async (one) => {
    await one.send("sendToolCancelled", { reason: "stopped by the user" });
    golden("stopped", await one.picture());
  });
  await shown({}, async (one) => {
    golden("waiting", await one.picture());
  });
});

test("names and reasons are text, whatever they hold", async () => {
  await shown({}, async (one) => {
    await one.result(result(STATES.hostile));
    await one.view.locator("#problems summary").click();
    assert.equal(await one.view.locator("#view img, #view script").count(), 0);
    assert.match(await one.picture(), /<script>alert\(1\)<\/script>fdp\.exe/);
  });
});

test("every file that did not succeed is listed on request, page by page", async () => {
  const rows = Array.from({ length: 37 }, (_, index) => ({ name: `file-${index}.pdf`, status: "FAILED", error: `Page ${index} is damaged` }));
  let fails = true;
  const answer = (method, { arguments: given } = {}) => {
    if (!given?.expand) return {};
    if (given.results_cursor && fails) { fails = false; throw new Error("refused"); }
    const from = Number(given.results_cursor ?? 0), page = rows.slice(from, from + 15);
    return result({ ...STATES.other_reasons, results: page, ...(from + 15 < rows.length && { next_results_cursor: String(from + 15) }) });
  };
  await shown({ answer }, async (one) => {
    await one.result(result(STATES.other_reasons));
    assert.equal(one.requests.length, 0);
    const list = one.view.locator("#all summary"), note = one.view.getByText("The files could not be read.");
    await list.click();
    await note.waitFor();
    await list.click();
    await list.click();
    await one.view.getByText("file-36.pdf: Page 36 is damaged").waitFor();
    assert.equal(await note.count(), 0);
    assert.deepEqual(await one.view.locator("#all li").allTextContents(), rows.map(({ name, error }) => `${name}: ${error}`));
  });
});

test("what is drawn again keeps the focus, and what was opened stays open", async () => {
  const going = (failed) => ({ ...STATES.stragglers, files: { total: 12, completed: 9, failed, running: 3 - failed }, problems: [{ reason: "Page … is damaged", count: failed, examples: ["a.pdf"] }] });
  await shown({ answer: () => result(going(1)) }, async (one) => {
    await one.result(result(going(1)));
    await one.view.locator("#problems summary").focus();
    await one.page.keyboard.press("Enter");
    await one.pass(20);
    assert.equal(one.calls("get_batch").length, 2);
    assert.equal(await one.view.evaluate(() => document.activeElement.tagName), "SUMMARY");
    await one.result(result(going(2)));
    assert.ok(await one.view.getByText("a.pdf").isVisible());
    assert.ok(await one.view.getByText("and 1 more").isVisible());
  });
});

test("where it cannot be known whether the jobs have ended, it looks once more and no further", async () => {
  await shown({ answer: () => result(STATES.unreadable) }, async (one) => {
    await one.result(result(STATES.unreadable));
    await one.pass(120);
    assert.equal(one.calls("get_batch").length, 1);
    assert.equal(await one.view.getByRole("button", { name: "Refresh" }).count(), 1);
  });
});

test("a result that holds the end is not reported to the model again", async () => {
  await shown({ answer: () => result(FAILURES) }, async (one) => {
    await one.result(result(FAILURES));
    await one.pass(120);
    assert.equal(one.requests.length, 0);
  });
});

test("a locale or time zone that the browser does not know changes nothing else", async () => {
  const context = { ...PROFILES.claude.context, locale: "en_GB.UTF-8", timeZone: "Nowhere" };
  await shown({ profile: { ...PROFILES.claude, context } }, async (one) => {
    await one.result(result(FAILURES));
    golden("failures", await one.picture());
  });
});

test("a keyboard reaches everything, in order", async () => {
  await shown({}, async (one) => {
    await one.result(result(FAILURES));
    await one.view.locator("summary").first().focus();
    await one.page.keyboard.press("Enter");
    assert.ok(await one.view.getByText("invoice-07.pdf").isVisible());
    assert.ok(await one.view.getByText("and 1 more").isVisible());
    for (let stop = 0; stop < 3; stop += 1) await one.page.keyboard.press("Tab");
    assert.equal(await one.view.evaluate(() => document.activeElement.id), "copy");
  });
});

test("only the height is reported, and only when it changed", async () => {
  await shown({ answer: () => result(STATES.running) }, async (one) => {
    await one.result(result(STATES.running));
    await one.pass(1);
    const before = await one.page.evaluate(() => window.host.sizes);
    assert.ok(before.length >= 1 && before.every((size) => Object.keys(size).join() === "height"));
    await one.pass(60);
    const later = await one.page.evaluate(() => window.host.sizes);
    assert.equal(new Set(later.map(({ height }) => height)).size, later.length);
  });
});

test("the theme may change while the view is shown", async () => {
  await shown({}, async (one) => {
    await one.result(result(FAILURES));
    const colour = () => one.view.evaluate(() => getComputedStyle(document.body).color);
    const light = await colour();
    await one.send("setHostContext", { ...PROFILES.claude.context, theme: "dark" });
    await one.view.waitForFunction((old) => getComputedStyle(document.body).color !== old, light);
  });
});

/** A view in front of the real server, shown beside the result of a call. */
async function served(flags, name, given, use) {
  const server = new Server("--sandbox", ...flags);
  const call = (tool, values) => server.request("tools/call", { name: tool, arguments: values });
  const answer = (method, params) => (method === "tools/call" ? call(params.name, params.arguments) : {});
  try {
    await shown({ answer }, async (one) => {
      await one.input(given);
      await one.result(await call(name, given));
      await use(one);
    });
  } finally {
    server.close();
  }
}

test("the real server, from the create to the end", async () => {
  const given = { source_directory_id: "dir-small", config: { job: { type: "parse_v2", configuration_id: "cfg-PARSE_AGENTIC" } } };
  await served(["--sandbox-speed", "steps"], "create_batch", given, async (one) => {
    assert.match(await one.picture(), /Queued\.\n\d+ files · /);
    while (!(await one.picture()).includes("Finished")) await one.pass(5);
    assert.match(await one.picture(), /Finished: all \d+ files succeeded/);
  });
});

test("the real server, with files that fail in every way", async () => {
  await served(["--sandbox-speed", "instant"], "show_batch", { batch_id: "bat-sandbox-failing" }, async (one) => {
    await one.view.getByText("Finished").waitFor();
    for (const summary of await one.view.locator("summary:visible").all()) await summary.click();
    await one.view.locator("#all li").nth(7).waitFor();
    await one.view.evaluate(() => { document.getElementById("facts").textContent = "(times)"; });
    golden("sandbox_failing", await one.picture());
  });
});

test("the real server cancels a batch", async () => {
  const flags = ["--sandbox-speed", "real", "--allow-cancel"];
  await served(flags, "show_batch", { batch_id: "bat-sandbox-hundred" }, async (one) => {
    const button = one.view.getByRole("button", { name: /cancel/i });
    await button.click();
    await button.click();
    await one.view.getByText("Cancelled. Files that had finished keep their results.").waitFor();
  });
});
