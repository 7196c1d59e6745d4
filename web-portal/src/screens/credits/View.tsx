/** Credits: what one has, what came in and what went out. */

import { Button, Table } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Movement } from "@/api/types";
import { useGridEvents } from "@/live/useGridEvents";
import { Fact, Facts, Page, Panel, Stack } from "@/parts/Page";
import { Asked, Empty, Failure, Loading, Stale } from "@/parts/States";
import { Wide } from "@/parts/Wide";
import { Bars } from "@/pictures/Bars";
import { Age, Money, StateBadge, useNow } from "@/pictures/small";
import { counted, credits, day } from "@/words/format";
import styles from "./credits.module.css";
import { causeWords, flowBar, flows, useBalance, useGrid, useStatement } from "./query";

const DAYS = 30;

export function CreditsView() {
  const [grid, balance, statement] = [useGrid(), useBalance(), useStatement()];
  const { staleSince } = useGridEvents((name) => {
    if (name === "credits" && !statement.isFetching) void statement.refetch();
  });
  if (grid.data?.credits === false) {
    return (
      <Page title="Credits">
        <Empty title="This grid counts no credits">
          Its members' work costs nothing; fuel is counted all the same.
        </Empty>
      </Page>
    );
  }
  const movements = statement.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Page title="Credits" badge={<Stale since={staleSince} />}>
      <Asked query={balance} loading={<Loading lines={1} height={76} />}>
        {(have) => (
          <Facts>
            <Fact
              label="Balance"
              value={<Money micro={have.available} />}
              unit="credits"
              below="to spend now"
            />
            <Fact
              label="Reserved"
              value={<Money micro={have.reserved} />}
              below="budgets of your jobs; the rest comes back"
            />
            <Fact
              label="Pending"
              value={<Money micro={have.pending} />}
              below="earned, and held until checked"
            />
            {grid.data && (
              <Fact
                label="Price"
                value={<Money micro={grid.data.price.per_tera_fuel} />}
                unit="credits"
                below="for 10¹² fuel, about a quarter of an hour of a core"
              />
            )}
          </Facts>
        )}
      </Asked>
      <Stack>
        <InAndOut movements={movements} more={statement.hasNextPage} />
        <Panel
          title="Statement"
          note={
            movements.length > 0 &&
            `newest first${statement.hasNextPage ? "" : `, ${counted(movements.length, "movement")}`}`
          }
        >
          {statement.error ? (
            <Failure error={statement.error} retry={() => void statement.refetch()} />
          ) : null}
          {statement.data === undefined && !statement.error && <Loading lines={6} height={22} />}
          {statement.data && movements.length === 0 && (
            <Empty title="Nothing has moved yet" commands={[`fallow-node join ${window.location.origin}`]}>
              Credits come from lending a computer: every result of it that stands the checks is paid.
            </Empty>
          )}
          {movements.length > 0 && <Rows movements={movements} />}
          {statement.hasNextPage && (
            <Button
              mt="sm"
              onClick={() => void statement.fetchNextPage()}
              loading={statement.isFetchingNextPage}
            >
              Older
            </Button>
          )}
        </Panel>
      </Stack>
    </Page>
  );
}

function InAndOut({ movements, more }: { movements: Movement[]; more: boolean }) {
  const now = useNow();
  const list = flows(movements, now, DAYS);
  const [came, went] = [
    list.reduce((sum, one) => sum + one.came, 0),
    list.reduce((sum, one) => sum + one.went, 0),
  ];
  const oldest = movements.at(-1)?.at_ms;
  const partial = more && oldest !== undefined && oldest > (list[0]?.dayMs ?? 0);
  return (
    <Panel
      title="What came in, what went out"
      note={partial ? `as far as it is loaded: since ${day(oldest)}` : `the last ${DAYS} days`}
    >
      <Bars
        bars={list.map(flowBar)}
        height={120}
        label={`${credits(came)} credits came in and ${credits(went)} went out in ${DAYS} days`}
        axis={[day(list[0]?.dayMs ?? now), day(now)]}
      />
      <p className={styles.key}>
        <i style={{ background: "var(--s-done)" }} /> <Money micro={came} /> came in
        <i style={{ background: "var(--s-run)" }} /> <Money micro={went} /> went out
      </p>
    </Panel>
  );
}

function Rows({ movements }: { movements: Movement[] }) {
  return (
    <Wide label="Statement">
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>When</Table.Th>
            <Table.Th>Why</Table.Th>
            <Table.Th>Job</Table.Th>
            <Table.Th ta="right">Credits</Table.Th>
            <Table.Th ta="right">Balance</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {movements.map((one) => (
            <Table.Tr key={`${one.id} ${one.state}`} className="num">
              <Table.Td>
                <Age at={one.at_ms} />
              </Table.Td>
              <Table.Td>
                {causeWords(one.cause)}{" "}
                {one.state !== "moved" && (
                  <StateBadge state={one.state === "held" ? "checking" : "cancelled"} word={one.state} />
                )}
                {one.note && <div className="dim small foreign">{one.note}</div>}
              </Table.Td>
              <Table.Td>
                {one.job && (
                  <Link to="/jobs/$job" params={{ job: one.job }} className="mono">
                    {one.job}
                  </Link>
                )}
              </Table.Td>
              <Table.Td ta="right">
                <Money micro={one.amount} signed />
              </Table.Td>
              <Table.Td ta="right">{one.balance == null ? "" : <Money micro={one.balance} />}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Wide>
  );
}
