/** A line about a single unit while somebody points at it: asked for only where the pointer rests. */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { bytes, counted, duration } from "@/words/format";
import { unitOptions, useNodeName } from "./query";

const REST_MS = 180;

export function UnitWords({ id, stage, seq }: { id: string; stage: number; seq: number }) {
  const name = useNodeName();
  const [rested, setRested] = useState(-1);
  useEffect(() => {
    const timer = setTimeout(() => setRested(seq), REST_MS);
    return () => clearTimeout(timer);
  }, [seq]);
  const { data } = useQuery({
    ...unitOptions(id, stage, seq),
    enabled: rested === seq,
    staleTime: 3000,
    retry: false,
  });
  if (!data || rested !== seq) return null;
  const { unit } = data;
  const parts = [
    unit.node && `on ${name(unit.node)}`,
    unit.attempt > 0 && counted(unit.attempt, "attempt"),
    unit.wall_us > 0 && duration(unit.wall_us / 1000),
    unit.output_bytes > 0 && `${bytes(unit.output_bytes)} out`,
  ].filter(Boolean);
  return <span className="foreign">{parts.join(" · ")}</span>;
}
