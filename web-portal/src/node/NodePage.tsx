/** What this computer does for its grid now, and how to stop it. */
import { Button } from "@mantine/core";
import { useEffect } from "react";
import type { NodeStatus } from "@/api/lending";
import { Mark } from "@/app/marks";
import { SchemeSwitch } from "@/app/SchemeSwitch";
import { Asked, Empty, Failure, Stale } from "@/parts/States";
import { StateBadge } from "@/pictures/small";
import { hasToken } from "./api";
import { Details } from "./Details";
import styles from "./node.module.css";
import { useDeeds, useStatus } from "./query";
import { Units } from "./Units";
import { because, sentence, willDo } from "./words";

export function NodePage() {
  return (
    <main id="main" className={styles.page}>
      {hasToken() ? <Node /> : <Locked />}
    </main>
  );
}

/** Somebody who opened the bare address: the link is asked for. */
function Locked() {
  return (
    <Empty title="Open this page with its link" commands={["fallow-node page"]}>
      It is for whoever runs this computer, and for nobody else. This command prints the link:
    </Empty>
  );
}

function Node() {
  const { query, staleSince } = useStatus();
  const status = query.data;
  useEffect(() => {
    document.title = status ? `${status.state} · ${status.name} · Fallow` : "This node · Fallow";
  }, [status]);
  return (
    <>
      <header className={styles.top}>
        <Mark />
        <b className="foreign">{status?.name ?? "This node"}</b>
        {status && (
          <span className="dim">
            lends to <span className="foreign">{status.grid}</span>
          </span>
        )}
        <span className={styles.end}>
          <Stale since={staleSince} />
          <SchemeSwitch />
        </span>
      </header>
      <Asked query={query}>
        {(data) => (
          <>
            <Now status={data} />
            <Details status={data} />
          </>
        )}
      </Asked>
    </>
  );
}

const TWO_HOURS_S = 7200;

/** The one large button, what it will do, and its two quieter neighbours. */
function Now({ status }: { status: NodeStatus }) {
  const deeds = useDeeds();
  const paused = status.state === "paused";
  const stopping = paused || status.state === "finishing";
  const why = because(status);
  return (
    <section className={styles.now} aria-label="Now">
      <div className={styles.says} aria-live="polite">
        <StateBadge state={status.state} />
        <h1 className="foreign">{sentence(status)}</h1>
        {why && <p className="foreign">{why}</p>}
      </div>
      <button
        type="button"
        className={styles.big}
        data-on={!stopping}
        aria-busy={deeds.busy !== undefined}
        onClick={() => void (stopping ? deeds.resume() : deeds.pause({}))}
      >
        <Glyph paused={stopping} />
        {stopping ? "Resume" : "Pause"}
      </button>
      <p className={`dim ${styles.will}`}>{willDo(status)}</p>
      {!paused && (
        <div className={styles.other}>
          <Button
            size="sm"
            loading={deeds.busy === "hours"}
            onClick={() => deeds.pause({ for_s: TWO_HOURS_S })}
          >
            Pause for two hours
          </Button>
          <Button
            size="sm"
            loading={deeds.busy === "finish"}
            disabled={status.state === "finishing"}
            onClick={() => deeds.pause({ finish: true })}
          >
            Finish, then pause
          </Button>
        </div>
      )}
      {deeds.error ? <Failure error={deeds.error} /> : null}
      <Units status={status} />
    </section>
  );
}

function Glyph({ paused }: { paused: boolean }) {
  return (
    <svg width="26" height="26" viewBox="0 0 26 26" fill="currentColor" aria-hidden="true">
      {paused ? <path d="M7 4l15 9-15 9z" /> : <path d="M6 4h5v18H6zM15 4h5v18h-5z" />}
    </svg>
  );
}
