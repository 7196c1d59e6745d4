/** Below the button: what it earned, what it may, what it did, what it says, what it can reach. */
import { Button, Tabs } from "@mantine/core";
import { useState } from "react";
import type { NodeStatus } from "@/api/lending";
import { Fact, Facts, Panel } from "@/parts/Page";
import { Editor } from "@/parts/preferences/Editor";
import { Asked } from "@/parts/States";
import { Wide } from "@/parts/Wide";
import { EarningsBars } from "@/pictures/EarningsBars";
import { Age, Money } from "@/pictures/small";
import { bytes, counted } from "@/words/format";
import styles from "./node.module.css";
import { choose, useEarnings, useHistory, useLimits, useLog, usePreferences } from "./query";
import { happened, observed } from "./words";

export function Details({ status }: { status: NodeStatus }) {
  const [tab, setTab] = useState<string | null>("rules");
  return (
    <Tabs value={tab} onChange={setTab} keepMounted={false}>
      <Tabs.List mb="md">
        <Tabs.Tab value="rules">Rules</Tabs.Tab>
        <Tabs.Tab value="earned">Earned</Tabs.Tab>
        <Tabs.Tab value="history">History</Tabs.Tab>
        <Tabs.Tab value="limits">What it can reach</Tabs.Tab>
        <Tabs.Tab value="log">Log</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="rules">
        <Rules />
      </Tabs.Panel>
      <Tabs.Panel value="earned">
        <Earned />
      </Tabs.Panel>
      <Tabs.Panel value="history">
        <History />
      </Tabs.Panel>
      <Tabs.Panel value="limits">
        <Limits status={status} />
      </Tabs.Panel>
      <Tabs.Panel value="log">
        <Log />
      </Tabs.Panel>
    </Tabs>
  );
}

function Rules() {
  const preferences = usePreferences();
  return (
    <Asked query={preferences}>
      {(data) => (
        <Panel title="What it may use" note={observed(data.seen).join(" · ")}>
          <Editor key={JSON.stringify(data.local)} at="computer" preferences={data} save={choose} />
        </Panel>
      )}
    </Asked>
  );
}

function Earned() {
  const earnings = useEarnings();
  return (
    <Asked query={earnings}>
      {({ credits, sums, days }) =>
        credits ? (
          <>
            <Facts>
              <Fact label="Today" value={<Money micro={sums.today} />} unit="credits" />
              <Fact
                label="Pending"
                value={<Money micro={sums.pending} />}
                unit="credits"
                below="held until checked"
              />
              <Fact label="In all" value={<Money micro={sums.verified} />} unit="credits" />
            </Facts>
            <Panel title="Earned" note="last 14 days: paid, and held until checked">
              <EarningsBars days={days} />
            </Panel>
          </>
        ) : (
          <p className="dim">Work on this grid costs nothing and earns nothing.</p>
        )
      }
    </Asked>
  );
}

function History() {
  const history = useHistory();
  const [all, setAll] = useState(false);
  return (
    <Panel title="What it did" note="newest first">
      <Asked query={history}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="dim">Nothing yet.</p>
          ) : (
            <>
              <ol className={styles.history}>
                {items.slice(0, all ? items.length : 30).map((one, n) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name
                  <li key={n}>
                    <span className="dim">
                      <Age at={one.at_ms} />
                    </span>
                    <span className="foreign">{happened(one)}</span>
                  </li>
                ))}
              </ol>
              {!all && items.length > 30 && (
                <Button mt="sm" onClick={() => setAll(true)}>
                  All {counted(items.length, "line")}
                </Button>
              )}
            </>
          )
        }
      </Asked>
    </Panel>
  );
}

function Limits({ status }: { status: NodeStatus }) {
  const limits = useLimits();
  return (
    <Asked query={limits}>
      {(data) => (
        <Panel title="What runs here and what it can reach">
          <dl className={styles.limits}>
            <dt>Runs</dt>
            <dd className="foreign">{data.runs}</dd>
            <dt>Reaches</dt>
            <dd>{data.reaches}</dd>
            <dt>At once</dt>
            <dd>{counted(data.slots, "unit")}</dd>
            <dt>Memory</dt>
            <dd>{bytes(data.memory_bytes)} at most</dd>
            {data.disk_bytes ? (
              <>
                <dt>Disk</dt>
                <dd>{bytes(data.disk_bytes)} at most</dd>
              </>
            ) : null}
            <dt>Priority</dt>
            <dd>{data.priority}: everything else on this computer goes first</dd>
            <dt>Grid</dt>
            <dd className="foreign">
              {status.grid}, {status.url}
            </dd>
            <dt>Owner</dt>
            <dd className="foreign">{status.owner}</dd>
          </dl>
        </Panel>
      )}
    </Asked>
  );
}

function Log() {
  const log = useLog(true);
  return (
    <Panel title="Log" note="last 300 lines, newest at the end">
      <Asked query={log}>
        {({ lines }) => (
          <Wide label="Log of this node">
            <pre className={styles.log}>{lines.length > 0 ? lines.join("\n") : "Nothing yet."}</pre>
          </Wide>
        )}
      </Asked>
    </Panel>
  );
}
