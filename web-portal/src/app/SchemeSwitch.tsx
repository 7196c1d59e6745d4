/** The switch of the theme. */
import { ActionIcon, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";

/** Light, dark, as the system: in this order. */
export function SchemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const shown = useComputedColorScheme("light");
  const next = ({ auto: "light", light: "dark", dark: "auto" } as const)[colorScheme];
  const words = { auto: `as the system (${shown})`, light: "light", dark: "dark" };
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="sm"
      onClick={() => setColorScheme(next)}
      aria-label={`Theme: ${words[colorScheme]}. Change to ${next === "auto" ? "the system's" : next}`}
      title={`Theme: ${words[colorScheme]}`}
    >
      <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
        <circle cx="7" cy="7" r="5.4" fill="none" stroke="var(--dim)" strokeWidth="1.3" />
        {colorScheme !== "light" && (
          <path
            d={
              colorScheme === "dark"
                ? "M7 1.6a5.4 5.4 0 0 1 0 10.8 5.4 5.4 0 0 1 0-10.8Z"
                : "M7 1.6a5.4 5.4 0 0 1 0 10.8Z"
            }
            fill="var(--dim)"
          />
        )}
      </svg>
    </ActionIcon>
  );
}
