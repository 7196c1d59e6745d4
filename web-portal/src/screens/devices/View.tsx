/** Devices. */
import { Page } from "@/parts/Page";

export function DevicesView() {
  return <Page title="Devices">…</Page>;
}
