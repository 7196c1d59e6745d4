/** All pictures, with sample data. */
import { Button, Group, SegmentedControl } from "@mantine/core";
import { useEffect, useMemo, useState } from "react";
import { Problem } from "@/api/problem";
import { Columns, Fact, Facts, Page, Panel, Stack } from "@/parts/Page";
import { Empty, Failure, Loading, Stale } from "@/parts/States";
import { Bars } from "@/pictures/Bars";
import { HeatMap } from "@/pictures/HeatMap";
import { MapView } from "@/pictures/map/MapView";
import { RateLine } from "@/pictures/RateLine";
import { StateBar, StateLegend } from "@/pictures/StateBar";
import { Strip } from "@/pictures/Strip";
import { Age, Elapsed, Money, StateBadge } from "@/pictures/small";
import { UNIT_STATES } from "@/words/states";
import { chance, sampleChange, sampleMap, sampleWeek } from "./samples";

const HOUR = 3_600_000;
const COUNTS = { done: 2515, checking: 168, running: 295, again: 24, failed: 29, left_out: 0, waiting: 1065 };

export function PicturesView() {
  return (
    <Page
      title="Pictures"
      crumbs={[{ text: "For those who build pages" }]}
      badge={<StateBadge state="running" />}
    >
      <Facts>
        <Fact label="4,096 units" wide>
          <StateBar counts={COUNTS} />
          <StateLegend counts={COUNTS} />
        </Fact>
        <Fact label="Finishes" value="14:10–14:40" below="90 % sure · 9 min so far" />
        <Fact label="Rate" value="4.8" unit="units/s">
          <RateLine values={sampleRate()} label="4.8 units a second, steady for 8 minutes" />
        </Fact>
        <Fact
          label="Spent"
          value={<Money micro={22_810_000} />}
          unit="of 60 credits"
          below="likely 36.9 in all"
        />
      </Facts>
      <Columns>
        <Stack>
          <SampleMap />
          <Panel title="Heat map" note="168 hours">
            <HeatMap shares={sampleWeek()} caption="Chance to be here by hour of the week" now={62} />
          </Panel>
          <Panel title="Strip" note="offline · idle · working · paused, and why">
            <Strip spans={sampleDay()} fromMs={day0} toMs={day0 + 24 * HOUR} label="The last 24 hours" />
          </Panel>
        </Stack>
        <Stack>
          <Panel title="Bars" note="last 14 days, credits">
            <SampleBars />
          </Panel>
          <Panel title="States">
            <Group gap={6}>
              {[...UNIT_STATES, "cancelled", "online", "idle", "paused", "offline"].map((state) => (
                <StateBadge key={state} state={state} />
              ))}
            </Group>
          </Panel>
          <Panel title="Amounts and ages">
            <p>
              <Money micro={1_284_200_000} unit /> · <Money micro={6_420_000} signed /> ·{" "}
              <Money micro={-500_000} signed />
            </p>
            <p className="dim">
              seen <Age at={Date.now() - 41_000} />, running for <Elapsed from={Date.now() - 540_000} />
            </p>
          </Panel>
          <Panel title="Loading">
            <Loading />
          </Panel>
          <Panel title="Stale">
            <Stale since={useMemo(() => Date.now() - 12_000, [])} />
          </Panel>
          <Panel title="Failed">
            <Failure error={SAMPLE_PROBLEM} retry={() => {}} />
          </Panel>
          <Panel title="Empty">
            <Empty title="No jobs yet" commands={["fallow new hello", "cd hello && fallow submit --watch"]}>
              A job is a program and its data, cut into units that many computers work on.
            </Empty>
          </Panel>
        </Stack>
      </Columns>
    </Page>
  );
}

const SAMPLE_PROBLEM = new Problem({
  code: "not-enough-credits",
  status: 402,
  message: "The account has 3.20 credits, and the budget asks for 60.",
  help: "Give less, or lend a computer: pay comes as its results are checked.",
});

function SampleMap() {
  const [total, setTotal] = useState("4096");
  const [live, setLive] = useState(false);
  const map = useMemo(() => sampleMap(Number(total)), [total]);
  useEffect(() => {
    if (!live) return;
    const r = chance(3);
    const timer = setInterval(() => map.apply(sampleChange(map, Math.ceil(map.total / 5000), r)), 50);
    return () => clearInterval(timer);
  }, [map, live]);
  return (
    <Panel title="Units" note="colour is state · click for its attempts">
      <Group gap="xs" mb="sm">
        <SegmentedControl
          size="xs"
          value={total}
          onChange={setTotal}
          aria-label="Number of units"
          data={["12", "400", "4096", "100000", "1000000"]}
        />
        <Button onClick={() => setLive(!live)}>{live ? "Stop" : "20 updates a second"}</Button>
      </Group>
      <MapView
        map={map}
        onOpen={() => {}}
        more={(unit) => `attempt ${1 + (unit % 2)} · 41 s of about 55 s`}
      />
    </Panel>
  );
}

function sampleRate(): number[] {
  const r = chance(5);
  return Array.from({ length: 60 }, (_, n) => 4.8 * (1 - Math.exp(-n / 9)) + r() * 0.6);
}

function SampleBars() {
  const r = chance(9);
  const bars = Array.from({ length: 14 }, (_, n) => {
    const paid = n % 7 > 4 ? 0.4 : 4 + 3 * r();
    return {
      words: `day ${n + 1}: ${paid.toFixed(2)} paid`,
      parts: [
        { value: paid, tone: "done" as const },
        { value: paid * 0.15, tone: "check" as const },
      ],
    };
  });
  return (
    <Bars
      bars={bars}
      label="About 6 credits a day on weekdays, little at weekends"
      axis={["8 Nov", "21 Nov"]}
    />
  );
}

const day0 = new Date(2026, 10, 20, 12).getTime();

function sampleDay() {
  const parts: [string, number, string?][] = [
    ["offline", 8.6],
    ["idle", 0.5],
    ["working", 3.4],
    ["paused", 0.7, "battery 41 % below 60 %"],
    ["working", 5.3],
    ["idle", 0.2],
    ["offline", 5.3],
  ];
  let at = day0;
  return parts.map(([state, hours, reason]) => {
    const from = at;
    at += hours * HOUR;
    return { from_ms: from, to_ms: at, state, reason: reason ?? null };
  });
}
