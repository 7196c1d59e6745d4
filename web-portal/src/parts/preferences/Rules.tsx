/** What a lender allows, in a list of words. */
import type { NodePreferences } from "@/api/lending";
import { inWords } from "./model";
import styles from "./preferences.module.css";

export function Rules({ of, more }: { of: NodePreferences; more?: { label: string; value: string }[] }) {
  const rows = inWords(of);
  return (
    <dl className={styles.rules}>
      {rows.map(({ field, label, value, local }) => (
        <div key={field}>
          <dt>{label}</dt>
          <dd>
            {value}
            {local && (
              <span className={styles.local} title="Chosen at the computer">
                {" "}
                at the computer
              </span>
            )}
          </dd>
        </div>
      ))}
      {more?.map(({ label, value }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
