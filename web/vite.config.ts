import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import {
  convertCssVariables,
  DEFAULT_THEME,
  defaultCssVariablesResolver,
  mergeMantineTheme,
} from "@mantine/core";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { theme, variables } from "./src/app/theme.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What the web app may load before it shows something, in bytes of compressed script. */
const FIRST_LOAD_LIMIT = 250 * 1024;

type Bundle = Parameters<Extract<Plugin["generateBundle"], (...args: never) => unknown>>[1];

/** The files that a page loads when it begins: its script, what that imports, and their styles. */
function firstFilesOf(page: string, bundle: Bundle): Set<string> {
  const found = new Set<string>();
  const waiting = Object.values(bundle)
    .filter((file) => file.type === "chunk" && file.isEntry && file.name === page)
    .map((file) => file.fileName);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const file = bundle[name];
    if (found.has(name) || file === undefined) continue;
    found.add(name);
    if (file.type !== "chunk") continue;
    waiting.push(...file.imports);
    const meta = file.viteMetadata;
    for (const more of [...(meta?.importedCss ?? []), ...(meta?.importedAssets ?? [])]) {
      found.add(more);
    }
  }
  return found;
}

/** Writes `panel/sw.js`, which knows by name what the panel page needs to begin without a network. */
function keptByPanels(): Plugin {
  return {
    name: "kept-by-panels",
    apply: "build",
    enforce: "post",
    generateBundle(_, bundle) {
      const fonts = Object.keys(bundle).filter((name) => name.endsWith(".woff2"));
      const files = [...firstFilesOf("panel", bundle), ...fonts].map((name) => `/${name}`).sort();
      const source = readFileSync(here("src/panel/sw.js"), "utf8");
      const build = createHash("sha256").update(files.join()).update(source).digest("hex");
      this.emitFile({
        type: "asset",
        fileName: "panel/sw.js",
        source: source
          .replace("__BUILD__", JSON.stringify(build.slice(0, 16)))
          .replace("__FILES__", JSON.stringify([...new Set(files)])),
      });
    },
  };
}

/** Fails the build when the web app's first load becomes too heavy. */
function lightFirstLoad(): Plugin {
  return {
    name: "light-first-load",
    apply: "build",
    enforce: "post",
    generateBundle(_, bundle) {
      let bytes = 0;
      for (const name of firstFilesOf("app", bundle)) {
        const file = bundle[name];
        if (file?.type === "chunk") bytes += gzipSync(file.code).length;
      }
      const size = `${(bytes / 1024).toFixed(0)} KiB of compressed script`;
      if (bytes === 0) this.error("the web app's first load was not found");
      if (bytes > FIRST_LOAD_LIMIT) this.error(`the web app's first load is ${size}`);
      this.info(`the web app's first load is ${size}`);
    },
  };
}

/**
 * `virtual:theme.css`: the theme's variables as a file. Mantine would write them into the page when
 * it runs, which the page's policy does not allow.
 */
function themeAsStyles(): Plugin {
  const id = "\0theme.css";
  return {
    name: "theme-as-styles",
    resolveId: (asked) => (asked === "virtual:theme.css" ? id : null),
    load(asked) {
      if (asked !== id) return null;
      const usual = defaultCssVariablesResolver(DEFAULT_THEME);
      const ours = defaultCssVariablesResolver(mergeMantineTheme(DEFAULT_THEME, theme));
      const changed = (part: keyof typeof ours) =>
        Object.fromEntries(
          Object.entries({ ...ours[part], ...variables[part] }).filter(
            ([name, value]) => usual[part][name] !== value,
          ),
        );
      return convertCssVariables({
        variables: changed("variables"),
        light: changed("light"),
        dark: changed("dark"),
      });
    },
  };
}

export default defineConfig({
  plugins: [react(), themeAsStyles(), keptByPanels(), lightFirstLoad()],
  build: {
    // Nothing is written into the page itself: its policy lets no inline script or style run.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: { panel: here("panel/index.html"), app: here("app/index.html") } },
  },
  server: {
    proxy: { "/api": { target: process.env.ATRIUM_URL ?? "http://localhost:8000", ws: true } },
  },
});
