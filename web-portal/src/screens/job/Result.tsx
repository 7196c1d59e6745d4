/** The result as it emerges, beside the map: a picture, a table, a text, or the files of an archive. */

import { Button } from "@mantine/core";
import { useEffect, useState } from "react";
import { call } from "@/api/client";
import { save } from "@/api/save";
import type { Preview } from "@/api/types";
import { Panel } from "@/parts/Page";
import { Asked, Failure, Loading } from "@/parts/States";
import { bytes, count, counted } from "@/words/format";
import { plain } from "@/words/plain";
import styles from "./job.module.css";
import { usePreview } from "./query";
import type { JobView } from "./view";

const PICTURES = /^(image\/)?(png|jpe?g|webp|gif)$/;
const FILES = 60;

export function Result({ job }: { job: JobView }) {
  const query = usePreview(job.id, job.goesOn);
  const [error, setError] = useState<unknown>();
  const done = query.data?.units_done;
  const note = job.result ? bytes(job.result.bytes) : done ? `of ${counted(done, "unit")}` : undefined;
  const download = () =>
    save(`/api/v1/jobs/${job.id}/result`, fileName(job), job.result?.bytes).catch(setError);
  return (
    <Panel title={job.result ? "Result" : "Result so far"} note={note}>
      <Asked query={query}>{(preview) => <Shown job={job} preview={preview} />}</Asked>
      {job.result && (
        <Button mt="sm" fullWidth variant="filled" onClick={() => void download()}>
          Download ({bytes(job.result.bytes)})
        </Button>
      )}
      {error ? <Failure error={error} /> : null}
    </Panel>
  );
}

/** Letters that every system takes in a file's name. */
const fileName = (job: JobView) =>
  `${job.name.replace(/[^\p{L}\p{N}._-]+/gu, "-").slice(0, 80) || job.id}${job.result?.kind === "archive" ? ".tar" : ""}`;

function Shown({ job, preview }: { job: JobView; preview: Preview }) {
  const files = preview.files ?? [];
  const pictures = files.filter((file) => PICTURES.test(file.kind));
  const [chosen, setChosen] = useState<number>();
  const picture = pictures.find((file) => file.index === chosen) ?? pictures[0];
  if (preview.kind === "none") {
    const words = job.goesOn
      ? "Nothing to show yet: it appears here as units get done."
      : "Nothing that can be shown here.";
    return <p className="dim">{words}</p>;
  }
  return (
    <>
      {picture && (
        <Picture
          path={`/api/v1/jobs/${job.id}/preview/${picture.index}`}
          name={picture.name}
          bytes={picture.bytes}
        />
      )}
      {preview.text != null && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard
        <pre className={styles.log} tabIndex={0}>
          {plain(preview.text)}
        </pre>
      )}
      {preview.rows && <Rows columns={preview.columns ?? []} rows={preview.rows} />}
      {files.length > 1 && (
        <ul className={styles.files}>
          {files.slice(0, FILES).map((file) => (
            <li key={file.index}>
              {PICTURES.test(file.kind) ? (
                <button type="button" onClick={() => setChosen(file.index)} aria-pressed={file === picture}>
                  {file.name}
                </button>
              ) : (
                <span>{file.name}</span>
              )}
              <span className="dim num">{bytes(file.bytes)}</span>
            </li>
          ))}
          {files.length > FILES && <li className="dim">and {count(files.length - FILES)} more</li>}
        </ul>
      )}
    </>
  );
}

/** A guest's picture: fetched as bytes, so that it can only ever be a picture. */
function Picture(props: { path: string; name: string; bytes: number }) {
  const [url, setUrl] = useState<string>();
  const [error, setError] = useState<unknown>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a picture that grew is fetched again
  useEffect(() => {
    let made: string | undefined;
    const end = new AbortController();
    setError(undefined);
    call(props.path, { signal: end.signal })
      .then((response) => response.blob())
      .then((blob) => {
        if (end.signal.aborted) return;
        made = URL.createObjectURL(blob);
        setUrl(made);
      })
      .catch((failed) => end.signal.aborted || setError(failed));
    return () => {
      end.abort();
      if (made) URL.revokeObjectURL(made);
    };
  }, [props.path, props.bytes]);
  if (error) return <Failure error={error} />;
  if (!url) return <Loading lines={1} height={160} />;
  return <img className={styles.image} src={url} alt={`Made by the job: ${props.name}`} />;
}

function Rows({ columns, rows }: { columns: string[]; rows: string[][] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard
    <section className={styles.table} tabIndex={0} aria-label="First rows">
      <table>
        <thead>
          <tr>
            {columns.map((column, n) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: columns may share a name
              <th key={n} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, n) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no other name
            <tr key={n}>
              {row.map((cell, column) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: nor have cells
                <td key={column}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
