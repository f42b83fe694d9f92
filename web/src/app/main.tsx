import "@fontsource-variable/vazirmatn";
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "virtual:theme.css";
import "./app.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { PAGES } from "./routes";
import { askWho } from "./session";
import { languagesReady } from "./text";

/** On paper it is dark on white, whatever it is on the screen. */
function printLight(): void {
  const { dataset } = document.documentElement;
  let scheme: string | undefined;
  addEventListener("beforeprint", () => {
    scheme = dataset.mantineColorScheme;
    dataset.mantineColorScheme = "light";
  });
  addEventListener("afterprint", () => {
    if (scheme !== undefined) dataset.mantineColorScheme = scheme;
  });
}

async function start(): Promise<void> {
  const asked = askWho();
  // The page's own script comes meanwhile; whether it came is seen where it is shown.
  const page = PAGES.find(({ path }) => `/app${path}` === location.pathname);
  page?.load().catch(() => undefined);
  await languagesReady;
  await asked;
  const place = document.getElementById("page");
  if (place === null) throw new Error("the page has no place to be shown in");
  createRoot(place).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}

printLight();
void start();
