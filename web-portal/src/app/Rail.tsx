/** The rail: where one can go, what one has, who one is. */
import { Link, useRouterState } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { $api } from "@/api/client";
import { useGridEvents, useGridStream } from "@/live/useGridEvents";
import { credits } from "@/words/format";
import { type Glyph, Icon, Mark } from "./marks";
import { queries } from "./Providers";
import { SchemeSwitch } from "./SchemeSwitch";
import styles from "./shell.module.css";

/** `phone`: in the bar of a phone, or behind its "More". */
type Place = { to: string; text: string; glyph: Glyph; phone: "bar" | "more"; operator?: boolean };

export const PLACES: Place[] = [
  { to: "/jobs", text: "Jobs", glyph: "jobs", phone: "bar" },
  { to: "/projects", text: "Projects", glyph: "projects", phone: "more" },
  { to: "/modules", text: "Modules", glyph: "modules", phone: "more" },
  { to: "/devices", text: "Devices", glyph: "devices", phone: "bar" },
  { to: "/groups", text: "Groups", glyph: "groups", phone: "more" },
  { to: "/credits", text: "Credits", glyph: "credits", phone: "bar" },
  { to: "/grid", text: "Grid", glyph: "grid", phone: "more", operator: true },
];

export function Rail() {
  const me = $api.useQuery("get", "/api/v1/me", {}, { staleTime: 60_000 });
  useGridStream(me.data !== undefined);
  const [open, setOpen] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page closes it
  useEffect(() => setOpen(false), [path]);
  const places = PLACES.filter((place) => !place.operator || me.data?.role === "operator");
  return (
    <header className={styles.rail}>
      <Link to="/jobs" className={styles.logo}>
        <Mark />
        Fallow
      </Link>
      <nav aria-label="Pages">
        <ul data-open={open}>
          {places.map((place) => (
            <li key={place.to} data-phone={place.phone}>
              <Link to={place.to} className={styles.link}>
                <Icon of={place.glyph} />
                {place.text}
              </Link>
            </li>
          ))}
          <li data-phone="more" className={styles.more}>
            <Link to="/account" className={styles.link}>
              <Icon of="account" />
              Account
            </Link>
          </li>
          <li className={styles.more}>
            <button type="button" className={styles.link} aria-expanded={open} onClick={() => setOpen(!open)}>
              <Icon of="more" />
              {open ? "Less" : "More"}
            </button>
          </li>
        </ul>
      </nav>
      <div className={styles.foot}>
        <Balance />
        <div className={styles.who}>
          <Link to="/account">{me.data?.name ?? " "}</Link>
          <SchemeSwitch />
        </div>
      </div>
    </header>
  );
}

function Balance() {
  const grid = $api.useQuery("get", "/api/v1/grid", {}, { staleTime: 600_000 });
  const balance = $api.useQuery("get", "/api/v1/credits", {}, { enabled: grid.data?.credits === true });
  useGridEvents((name) => {
    if (name === "credits") void queries.invalidateQueries({ queryKey: ["get", "/api/v1/credits"] });
  });
  if (!grid.data?.credits || !balance.data) return null;
  const { available, reserved, pending } = balance.data;
  const more = [
    reserved > 0 && `${credits(reserved)} reserved`,
    pending > 0 && `${credits(pending)} pending`,
  ].filter(Boolean);
  return (
    <Link to="/credits" className={styles.balance}>
      Balance
      <b>{credits(available)}</b>
      {more.join(", ") || "credits"}
    </Link>
  );
}
