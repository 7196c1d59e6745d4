/** Modules. */
import { Page } from "@/parts/Page";

export function ModulesView() {
  return <Page title="Modules">…</Page>;
}
