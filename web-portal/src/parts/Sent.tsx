/** A mail is on its way. Whether the address is known here is not told. */
import type { ReactNode } from "react";

export function Sent({ to, children }: { to: string; children: ReactNode }) {
  return (
    <div role="status" style={{ display: "grid", gap: 12 }}>
      <p>
        A mail is on its way to <b className="foreign">{to}</b>.
      </p>
      <p className="dim">{children}</p>
    </div>
  );
}
