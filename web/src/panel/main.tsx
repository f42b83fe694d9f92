import "@fontsource-variable/vazirmatn";
import "./panel.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { startLanguages } from "../shared/language";
import { PanelPage } from "./PanelPage";
import { texts } from "./texts";

async function start(): Promise<void> {
  await startLanguages(texts);
  const page = document.getElementById("page");
  if (page === null) throw new Error("the page has no place to be shown in");
  createRoot(page).render(
    <StrictMode>
      <PanelPage />
    </StrictMode>,
  );
  await Promise.allSettled([keepOffline(), stayAwake()]);
}

/** Lets the page begin without a network. Browsers allow it by https and on localhost. */
async function keepOffline(): Promise<void> {
  if (import.meta.env.PROD) await navigator.serviceWorker?.register("/panel/sw.js");
}

/** Keeps the tablet's screen on, and asks again whenever the page is shown again. */
async function stayAwake(): Promise<void> {
  const ask = async () => {
    if (document.visibilityState === "visible") {
      await navigator.wakeLock?.request("screen").catch(() => undefined);
    }
  };
  document.addEventListener("visibilitychange", ask);
  await ask();
}

void start();
