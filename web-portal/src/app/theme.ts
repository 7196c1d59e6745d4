/** Mantine in the design's clothes: its colours come from `colours.css`, so that both themes live in one place. */
import {
  Button,
  type CSSVariablesResolver,
  createTheme,
  type MantineColorsTuple,
  Modal,
  SegmentedControl,
  Table,
} from "@mantine/core";

const same = (colour: string): MantineColorsTuple => Array(10).fill(colour) as unknown as MantineColorsTuple;

const SANS = '"Inter Variable", system-ui, sans-serif';

export const theme = createTheme({
  fontFamily: SANS,
  fontFamilyMonospace: '"JetBrains Mono Variable", ui-monospace, monospace',
  headings: { fontFamily: SANS, fontWeight: "620" },
  fontSizes: { xs: "12px", sm: "13px", md: "14px", lg: "16px", xl: "20px" },
  colors: { accent: same("var(--accent)") },
  primaryColor: "accent",
  primaryShade: 6,
  defaultRadius: 7,
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Button: Button.extend({
      defaultProps: { size: "xs", variant: "default" },
      vars: (_theme, props) => ({
        root: props.variant === "filled" ? { "--button-color": "var(--on-accent)" } : {},
      }),
    }),
    SegmentedControl: SegmentedControl.extend({
      defaultProps: { transitionDuration: 0 },
      vars: () => ({ root: { "--sc-color": "var(--panel)", "--sc-label-color": "var(--text)" } }),
    }),
    Modal: Modal.extend({
      defaultProps: {
        centered: true,
        overlayProps: { backgroundOpacity: 0.4 },
        transitionProps: { duration: 80 },
      },
    }),
    Table: Table.extend({ defaultProps: { verticalSpacing: 9, horizontalSpacing: 12 } }),
    TextInput: { defaultProps: { size: "sm" } },
    Tooltip: { defaultProps: { color: "var(--text)", fz: 12, openDelay: 150 } },
  },
});

/** Mantine's own variables, told in ours. */
export const cssVariables: CSSVariablesResolver = () => {
  const both = {
    "--mantine-color-body": "var(--bg)",
    "--mantine-color-text": "var(--text)",
    "--mantine-color-dimmed": "var(--dim)",
    "--mantine-color-anchor": "var(--accent)",
    "--mantine-color-error": "var(--t-fail)",
    "--mantine-color-placeholder": "var(--dim)",
    "--mantine-color-default": "var(--panel)",
    "--mantine-color-default-hover": "var(--track)",
    "--mantine-color-default-color": "var(--text)",
    "--mantine-color-default-border": "var(--line)",
    "--mantine-primary-color-filled": "var(--accent)",
    "--mantine-primary-color-filled-hover": "var(--accent)",
    "--mantine-primary-color-contrast": "var(--on-accent)",
  };
  return { variables: {}, light: both, dark: both };
};
