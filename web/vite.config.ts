import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Writes `panel/sw.js`, which knows by name what the panel page needs to begin without a network. */
function keptByPanels(): Plugin {
  return {
    name: "kept-by-panels",
    apply: "build",
    generateBundle(_, bundle) {
      const files = Object.keys(bundle)
        .filter((name) => name.startsWith("assets/"))
        .map((name) => `/${name}`);
      const source = readFileSync(here("src/panel/sw.js"), "utf8");
      const build = createHash("sha256").update(files.join()).update(source).digest("hex");
      this.emitFile({
        type: "asset",
        fileName: "panel/sw.js",
        source: source
          .replace("__BUILD__", JSON.stringify(build.slice(0, 16)))
          .replace("__FILES__", JSON.stringify(files)),
      });
    },
  };
}

export default defineConfig({
  plugins: [react(), keptByPanels()],
  build: {
    // Nothing is written into the page itself: its policy lets no inline script or style run.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: { panel: here("panel/index.html") } },
  },
  server: {
    proxy: { "/api": { target: process.env.ATRIUM_URL ?? "http://localhost:8000", ws: true } },
  },
});
