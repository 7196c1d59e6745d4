/** Where credits went: the trial balance, and a search of all transfers. */
import { Table } from "@mantine/core";
import { Link, useSearch } from "@tanstack/react-router";
import type { LedgerParty } from "@/api/operating";
import { Panel } from "@/parts/Page";
import { Asked } from "@/parts/States";
import { Wide } from "@/parts/Wide";
import { Age, Money, StateBadge } from "@/pictures/small";
import { count, short } from "@/words/format";
import { Frame, Listing, Narrow } from "./Frame";
import styles from "./grid.module.css";
import { useLedger, useTrial } from "./query";

export function LedgerView() {
  const { account, job, cause } = useSearch({ from: "/inside/grid/ledger" });
  const narrow = {
    ...(account ? { account } : {}),
    ...(job ? { job } : {}),
    ...(cause ? { cause } : {}),
  };
  const ledger = useLedger(narrow);
  return (
    <Frame title="Ledger">
      <Trial />
      <div style={{ height: 16 }} />
      <Narrow
        at="/grid/ledger"
        fields={[
          { name: "account", label: "Account's id", value: account },
          { name: "job", label: "Job's id", value: job },
          { name: "cause", label: "Cause, as pay", value: cause },
        ]}
      />
      <Listing
        query={ledger}
        label="Transfers"
        empty="No transfer is like that"
        heads={["When", "Cause", "From", "To", "Credits"]}
        row={(row) => (
          <Table.Tr key={row.id}>
            <Table.Td className="dim">
              <Age at={row.at_ms} />
            </Table.Td>
            <Table.Td>
              {row.cause.replaceAll("_", " ")}
              {row.kind !== "single" && <span className="dim"> · {row.kind}</span>}
              {row.note && <div className="dim small foreign">{row.note}</div>}
            </Table.Td>
            <Table.Td>
              <Party of={row.debit} />
            </Table.Td>
            <Table.Td>
              <Party of={row.credit} />
            </Table.Td>
            <Table.Td>
              <Money micro={row.amount} />
            </Table.Td>
          </Table.Tr>
        )}
      />
    </Frame>
  );
}

function Party({ of }: { of: LedgerParty }) {
  if (of.account)
    return (
      <Link to="/grid/ledger" search={{ account: of.account.id }} className="foreign">
        {of.account.name}
      </Link>
    );
  if (of.job)
    return (
      <Link to="/grid/ledger" search={{ job: of.job }}>
        escrow <span className="mono">{short(of.job, 10, 4)}</span>
      </Link>
    );
  return <span className="dim">{of.kind}</span>;
}

function Trial() {
  const trial = useTrial();
  return (
    <Asked query={trial}>
      {({ accounts, check }) => {
        const sum = accounts.reduce((all, account) => all + account.net, 0);
        return (
          <Panel
            title="Trial balance"
            note={
              check ? (
                <>
                  {check.found === 0
                    ? "every transfer adds up"
                    : check.found == null
                      ? "not checked"
                      : "does not add up"}{" "}
                  · {count(check.transfers)} transfers, <Age at={check.at_ms} />
                </>
              ) : (
                "not checked since the server's start"
              )
            }
          >
            <Wide label="Trial balance">
              <Table className={styles.numbers}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Account</Table.Th>
                    <Table.Th>Reserved to go</Table.Th>
                    <Table.Th>Reserved to come</Table.Th>
                    <Table.Th>Has</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {accounts.map((account) => (
                    <Table.Tr key={account.account}>
                      <Table.Td>{account.account}</Table.Td>
                      <Table.Td>
                        <Money micro={account.debits_pending} />
                      </Table.Td>
                      <Table.Td>
                        <Money micro={account.credits_pending} />
                      </Table.Td>
                      <Table.Td>
                        <Money micro={account.net} />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                  <Table.Tr>
                    <Table.Td>
                      all together{" "}
                      <StateBadge
                        state={sum === 0 ? "done" : "failed"}
                        word={sum === 0 ? "zero" : "not zero"}
                      />
                    </Table.Td>
                    <Table.Td />
                    <Table.Td />
                    <Table.Td>
                      <Money micro={sum} />
                    </Table.Td>
                  </Table.Tr>
                </Table.Tbody>
              </Table>
            </Wide>
          </Panel>
        );
      }}
    </Asked>
  );
}
