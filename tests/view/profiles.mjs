// Hosts as they were seen to present themselves: room, capabilities, and whether they hand over their own colours.
const VARIABLES = {
  "--color-text-primary": "light-dark(#141413, #faf9f5)",
  "--color-text-secondary": "light-dark(#5e5d59, #b0aea5)",
  "--color-border-primary": "light-dark(#d1cfc5, #4d4c48)",
  "--color-background-secondary": "light-dark(#f5f4ed, #30302e)",
  "--font-sans": "system-ui, sans-serif",
  "--font-text-md-size": "14px",
  "--border-radius-md": "8px",
};
const styles = { variables: VARIABLES };

export const PROFILES = {
  claude: { width: 720, capabilities: { openLinks: {}, serverTools: {}, serverResources: {}, logging: {}, message: {}, updateModelContext: {} }, context: { styles, displayMode: "inline", locale: "en-GB", timeZone: "UTC" } },
  vscode: { width: 494, capabilities: { serverTools: {}, serverResources: {}, updateModelContext: {}, downloadFile: {} }, context: { styles, containerDimensions: { maxHeight: 720 } } },
  cursor: { width: 649, capabilities: { serverTools: {}, serverResources: {} }, context: {} },
  chatgpt: { width: 768, capabilities: { serverTools: {}, message: {}, updateModelContext: {} }, context: { styles, containerDimensions: { height: 400 } } },
  narrow: { width: 320, capabilities: { serverTools: {}, updateModelContext: {} }, context: { styles } },
};

/** A host that shows views but lets them call nothing. */
export const STATIC = { width: 600, capabilities: { openLinks: {} }, context: {} };
