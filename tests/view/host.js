// The host's page: the official bridge around one frame. The test drives it through `window.host`, and answers the view's
// requests through `window.answer`, which the browser hands to the test's own process.
import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";

window.host = {
  sizes: [],

  async open({ capabilities, context, width }) {
    document.querySelector("iframe")?.remove();
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts";
    frame.title = "view";
    frame.style.cssText = `width:${width}px;height:600px;border:0`;
    document.body.style.background = context.theme === "dark" ? "#1e1e1e" : "#ffffff";
    document.body.append(frame);
    const bridge = new AppBridge(null, { name: "test-host", version: "1.0.0" }, capabilities, { hostContext: context });
    bridge.oncalltool = (params) => window.answer("tools/call", params);
    bridge.onupdatemodelcontext = (params) => window.answer("ui/update-model-context", params);
    bridge.addEventListener("sizechange", (size) => {
      this.sizes.push(size);
      if (size.height) frame.style.height = `${size.height}px`;
    });
    const ready = new Promise((resolve) => bridge.addEventListener("initialized", resolve));
    await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
    frame.src = "/view.html";
    await ready;
    this.bridge = bridge;
  },

  ping() {
    return this.bridge.request({ method: "ping" });
  },
};
