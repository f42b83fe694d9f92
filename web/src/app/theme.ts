import { createTheme, type MantineColorsTuple } from "@mantine/core";

const teal: MantineColorsTuple = [
  "#ecfbf8",
  "#d3f4ee",
  "#a6e8dc",
  "#73d8c7",
  "#3fc2ae",
  "#1fa592",
  "#138a7b",
  "#0f766e",
  "#0c5f59",
  "#094a46",
];
// Text, its quieter forms, edges, raised surfaces and the ground, from light to dark.
const dark: MantineColorsTuple = [
  "#e8edf3",
  "#c6d0dc",
  "#a3b0c0",
  "#75849a",
  "#36424f",
  "#2a3440",
  "#1d2630",
  "#161d25",
  "#10161d",
  "#0a0f14",
];
const gray: MantineColorsTuple = [
  "#f6f8fa",
  "#eef1f5",
  "#e3e8ee",
  "#d3dae2",
  "#b8c2cd",
  "#8695a4",
  "#66747f",
  "#4a5763",
  "#2f3a45",
  "#19222b",
];
/** Colours of the theme for series, in the order in which they are told apart best. */
export const SERIES = ["#138a7b", "#e0913a", "#5b7fd6", "#c2558f", "#7d8b2e", "#8b6bc7"];

const font = '"Vazirmatn Variable", system-ui, sans-serif';

/** Modals and drawers lock what is behind them by `app.css`: Mantine would write a style. */
const unlocked = { defaultProps: { lockScroll: false } };

/** A page has one banner. */
const noLandmark = { defaultProps: { component: "div" } };

export const theme = createTheme({
  primaryColor: "teal",
  primaryShade: { light: 7, dark: 7 },
  colors: { teal, dark, gray },
  black: "#19222b",
  fontFamily: font,
  headings: { fontFamily: font, fontWeight: "700" },
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Modal: unlocked,
    ModalHeader: noLandmark,
    Drawer: unlocked,
    DrawerHeader: noLandmark,
  },
});

const quiet = {
  light: "var(--mantine-color-gray-7)",
  dark: "var(--mantine-color-dark-2)",
};

/** What our surfaces are called, beside Mantine's own names; contrast is that of WCAG AA. */
export const variables: Record<"variables" | "light" | "dark", Record<string, string>> = {
  variables: {},
  light: {
    "--mantine-color-body": "#ffffff",
    "--mantine-color-dimmed": quiet.light,
    "--mantine-color-placeholder": "var(--mantine-color-gray-6)",
    "--mantine-color-error": "#b4232a",
    "--mantine-color-red-filled": "#c92a2a",
    "--mantine-color-red-filled-hover": "#b02525",
    "--mantine-color-red-light-color": "#a61e1e",
    "--mantine-color-anchor": "var(--mantine-color-teal-7)",
    "--ground": "var(--mantine-color-gray-0)",
    "--raised": "#ffffff",
    "--sunken": "var(--mantine-color-gray-1)",
    "--edge": "var(--mantine-color-gray-2)",
    "--text": "var(--mantine-color-black)",
    "--quiet": quiet.light,
    "--accent": "var(--mantine-color-teal-7)",
    "--accent-soft": "var(--mantine-color-teal-0)",
    "--accent-edge": "var(--mantine-color-teal-3)",
    "--good": "#1a7f37",
    "--good-soft": "#e3f6e8",
    "--warn": "#8a5300",
    "--warn-soft": "#fff3d6",
    "--bad": "#b4232a",
    "--bad-soft": "#fdebec",
    "--info": "#0b5cad",
    "--info-soft": "#e6f1fc",
    "--shadow": "0 1px 2px rgb(16 24 40 / 6%), 0 1px 3px rgb(16 24 40 / 8%)",
    "--shadow-high": "0 8px 28px rgb(16 24 40 / 16%)",
  },
  dark: {
    "--mantine-color-body": "var(--mantine-color-dark-7)",
    "--mantine-color-dimmed": quiet.dark,
    "--mantine-color-placeholder": "#8d9bad",
    "--mantine-color-error": "#ff8f8f",
    "--mantine-color-red-filled": "#c92a2a",
    "--mantine-color-red-filled-hover": "#b02525",
    "--mantine-color-red-light-color": "#ff9d9d",
    "--mantine-color-anchor": "var(--mantine-color-teal-3)",
    "--mantine-color-teal-light-color": "var(--mantine-color-teal-2)",
    "--ground": "var(--mantine-color-dark-8)",
    "--raised": "var(--mantine-color-dark-7)",
    "--sunken": "var(--mantine-color-dark-9)",
    "--edge": "var(--mantine-color-dark-5)",
    "--text": "var(--mantine-color-dark-0)",
    "--quiet": quiet.dark,
    "--accent": "var(--mantine-color-teal-3)",
    "--accent-soft": "#11302e",
    "--accent-edge": "var(--mantine-color-teal-8)",
    "--good": "#6fd58b",
    "--good-soft": "#12301c",
    "--warn": "#f4c065",
    "--warn-soft": "#33270f",
    "--bad": "#ff9d9d",
    "--bad-soft": "#3a1a1d",
    "--info": "#8cc4ff",
    "--info-soft": "#122a42",
    "--shadow": "0 1px 2px rgb(0 0 0 / 40%)",
    "--shadow-high": "0 8px 28px rgb(0 0 0 / 55%)",
  },
};
