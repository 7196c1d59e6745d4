/** What stands around every page of both apps: theme, styles' nonce, the query cache, notifications. */
import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Problem } from "@/api/problem";
import { cssVariables, theme } from "./theme";

const schemes = localStorageColorSchemeManager({ key: "fallow-colour-scheme" });

/** The nonce that the server put into the page; Vite's dev server has none. */
const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "";
// What holds the page still behind a dialog writes a `<style>` of its own, and looks for its nonce here.
Object.assign(globalThis, { __webpack_nonce__: nonce });

/** What cannot get better is not asked again. */
const retry = (failures: number, error: unknown) =>
  failures < 4 &&
  (!(error instanceof Problem) || error.status === 0 || error.status >= 500 || error.status === 429);

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry,
      retryDelay: (failures, error) =>
        error instanceof Problem && error.retryAfterSecs
          ? error.retryAfterSecs * 1000
          : Math.min(15_000, 500 * 2 ** failures),
      staleTime: 10_000,
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

export function Providers({ children }: { children: ReactNode }) {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      colorSchemeManager={schemes}
      cssVariablesResolver={cssVariables}
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={queries}>
        {children}
        <Notifications position="top-right" limit={3} />
      </QueryClientProvider>
    </MantineProvider>
  );
}
