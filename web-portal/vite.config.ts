/** Two builds of one source: the portal (`dist/`), and with `--mode node` a node's own page (`dist-node/`). */
import { rename } from "node:fs/promises";
import { resolve } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** Both servers answer `index.html`, whatever its source is called. */
function asIndex(folder: string): Plugin {
  return {
    name: "as-index",
    apply: "build",
    closeBundle: () => rename(resolve(folder, "node.html"), resolve(folder, "index.html")),
  };
}

export default defineConfig(({ mode }) => {
  const node = mode === "node";
  const outDir = resolve(import.meta.dirname, node ? "dist-node" : "dist");
  return {
    plugins: [react(), ...(node ? [asIndex(outDir)] : [])],
    resolve: { alias: { "@": resolve(import.meta.dirname, "src") } },
    // Fonts and pictures stay files of their own: the page's policy allows no `data:` addresses.
    build: {
      outDir,
      emptyOutDir: true,
      assetsInlineLimit: 0,
      manifest: true,
      target: "es2022",
      modulePreload: { polyfill: false },
      rollupOptions: { input: resolve(import.meta.dirname, node ? "node.html" : "index.html") },
    },
    worker: { format: "es" as const },
    server: { proxy: { "/api": "http://127.0.0.1:8270" } },
    define: { "process.env.NODE_ENV": JSON.stringify(mode === "development" ? "development" : "production") },
    // A slow machine is no failure.
    test: { environment: "node", include: ["src/**/*.test.ts", "src/**/*.test.tsx"], testTimeout: 120_000 },
  };
});
