// A headless Chromium with the host's page; the view is served under the policy that hosts apply to a view without `csp`.
import { createServer } from "node:http";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; media-src data:; connect-src 'none'; object-src 'none'";
export const NOW = "2026-05-04T10:03:12Z";

export class Browser {
  static async launch() {
    const bundled = await build({ entryPoints: ["host.js"], bundle: true, format: "iife", write: false, logLevel: "error" });
    const self = new Browser();
    const pages = {
      "/": ["text/html", "<!doctype html><html lang=en><title>host</title><link rel=icon href=data:,><body><script src=/host.js></script>"],
      "/host.js": ["text/javascript", bundled.outputFiles[0].text],
    };
    self.http = createServer((request, response) => {
      const [type, body] = request.url === "/view.html" ? ["text/html", self.html] : (pages[request.url] ?? []);
      if (type === undefined) return response.writeHead(404).end();
      const policy = request.url === "/view.html" ? { "content-security-policy": POLICY } : {};
      response.writeHead(200, { "content-type": `${type}; charset=utf-8`, ...policy }).end(body);
    });
    await new Promise((resolve) => self.http.listen(0, "127.0.0.1", resolve));
    self.chromium = await chromium.launch({
      executablePath: process.env.CHROMIUM,
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    return self;
  }

  /** Opens the view in a host. `answer(method, params)` stands for the host's answers to the view's requests. */
  async open(html, { profile, theme = "light", answer = () => ({}) }) {
    this.html = html;
    const context = await this.chromium.newContext({
      timezoneId: "UTC", locale: "en-GB", colorScheme: theme, viewport: { width: 900, height: 900 }, reducedMotion: "reduce",
    });
    const page = await context.newPage();
    const shown = new Shown(page, context);
    page.on("console", (message) => { if (["error", "warning"].includes(message.type())) shown.complaints.push(message.text()); });
    page.on("pageerror", (error) => shown.complaints.push(String(error)));
    await page.exposeFunction("answer", (method, params) => shown.respond(method, params));
    await page.clock.install({ time: "2026-05-04T10:00:00Z" });
    await page.goto(`http://127.0.0.1:${this.http.address().port}/`);
    await page.clock.pauseAt(NOW);
    await shown.reopen({ profile, theme, answer });
    return shown;
  }

  async close() {
    await this.chromium.close();
    this.http.close();
  }
}

/** One view in one host. */
class Shown {
  requests = [];
  complaints = [];
  #pending = 0;

  constructor(page, context) {
    this.page = page;
    this.context = context;
  }

  /** A new frame in place of the one that is shown. */
  async reopen({ profile, theme, answer }) {
    this.answer = answer;
    const { width, capabilities, context } = profile;
    const before = this.view;
    await this.page.evaluate((host) => window.host.open(host), { capabilities, context: { ...context, theme }, width });
    // What was shown before may still be listed for a moment.
    const isNew = (frame) => frame !== before && frame.url().endsWith("/view.html");
    while (!(this.view = this.page.frames().find(isNew))) await this.page.evaluate(() => window.host.ping());
  }

  async respond(method, params) {
    this.requests.push({ method, params });
    this.#pending += 1;
    try {
      return await this.answer(method, params);
    } finally {
      this.#pending -= 1;
    }
  }

  send(method, params) {
    return this.page.evaluate(([name, value]) => window.host.bridge[name](value), [method, params]);
  }

  input(given) { return this.send("sendToolInput", { arguments: given }); }
  async result(result) {
    await this.send("sendToolResult", result);
    await this.settle();
  }

  /** Waits until every request of the view is answered and the view has read the answers: messages keep their order. */
  async settle() {
    let seen;
    do {
      seen = this.requests.length;
      await this.page.evaluate(() => window.host.ping());
    } while (this.#pending > 0 || this.requests.length !== seen);
    await this.page.evaluate(() => window.host.ping());
  }

  /** Lets the view's own clock run, a few seconds at a time, so that answers come in between. */
  async pass(seconds) {
    for (let left = seconds; left > 0; left -= 5) {
      await this.page.clock.runFor(Math.round(Math.min(left, 5) * 1000));
      await this.settle();
    }
  }

  calls(name) { return this.requests.filter(({ method, params }) => method === "tools/call" && params.name === name); }

  /** What a person sees, and what a screen reader is given. */
  async picture() {
    const view = this.view.locator("#view");
    const visible = (await view.innerText()).replace(/\n{2,}/g, "\n").trim();
    return `${visible}\n\n--- accessibility tree\n${await view.ariaSnapshot()}\n`;
  }

  overflows() {
    return this.view.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  }

  async close() {
    await this.context.close();
  }
}
