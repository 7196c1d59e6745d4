/** The list of jobs. */
import { Page } from "@/parts/Page";

export function JobsView() {
  return <Page title="Jobs">…</Page>;
}
