/** Units of which nodes said different things, with who said what. */
import { Button, Table } from "@mantine/core";
import { useState } from "react";
import { Age } from "@/pictures/small";
import { count, short } from "@/words/format";
import { Frame, Listing } from "./Frame";
import styles from "./grid.module.css";
import { useDisputes } from "./query";

export function DisputesView() {
  const disputes = useDisputes();
  const [open, setOpen] = useState<number>();
  return (
    <Frame title="Disputes">
      <Listing
        query={disputes}
        label="Disputes"
        empty="Nodes have agreed on everything so far"
        heads={["When", "Job", "Unit", "Evidence"]}
        row={(dispute) => (
          <Table.Tr key={dispute.id}>
            <Table.Td className="dim">
              <Age at={dispute.at_ms} />
            </Table.Td>
            <Table.Td className="mono">{dispute.job ? short(dispute.job, 14, 4) : "removed"}</Table.Td>
            <Table.Td className="num">
              {dispute.stage} / {count(dispute.seq)}
            </Table.Td>
            <Table.Td>
              <Button
                size="compact-xs"
                aria-expanded={open === dispute.id}
                onClick={() => setOpen(open === dispute.id ? undefined : dispute.id)}
              >
                {open === dispute.id ? "Close" : "Who said what"}
              </Button>
              {open === dispute.id && (
                <pre className={styles.evidence}>
                  {JSON.stringify(dispute.evidence, null, 2).slice(0, 20_000)}
                </pre>
              )}
            </Table.Td>
          </Table.Tr>
        )}
      />
    </Frame>
  );
}
