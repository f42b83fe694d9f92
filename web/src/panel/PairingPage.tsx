import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { circleTime, type Schemas } from "../shared/client";
import { LanguageButton } from "../shared/LanguageButton";
import { useTime } from "../shared/useTime";
import { type Device, forget } from "./device";

const TRY_AGAIN_MS = 3_000;
const TRY_LATER_MS = 60_000;

type Pairing = Schemas["PairingView"];
type Trouble = "away" | "tooMany";

/** Shows a code until an admin has entered it. */
export function PairingPage(props: { wasRevoked: boolean; onPaired: (device: Device) => void }) {
  const { wasRevoked, onPaired } = props;
  const { t } = useTranslation();
  const [pairing, setPairing] = useState<Pairing>();
  const [trouble, setTrouble] = useState<Trouble>();

  useEffect(() => {
    const ended = new AbortController();
    forget();
    void pair(ended.signal, setPairing, setTrouble, onPaired);
    return () => ended.abort();
  }, [onPaired]);

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const time = useTime(zone);
  return (
    <main className="pairing">
      <header>
        <LanguageButton />
      </header>
      <h1>{t("pairing.title")}</h1>
      {wasRevoked && <p role="status">{t("pairing.revoked")}</p>}
      {pairing && (
        <>
          <p>{t("pairing.how")}</p>
          <p className="code" aria-live="polite">
            <span className="unseen">{t("pairing.code")} </span>
            <bdi dir="ltr">{pairing.code}</bdi>
          </p>
          <p>{t("pairing.again", { time: time(Date.parse(pairing.expiresAt)) })}</p>
        </>
      )}
      {trouble && <p role="alert">{t(`pairing.${trouble}`)}</p>}
    </main>
  );
}

async function pair(
  signal: AbortSignal,
  show: (pairing: Pairing) => void,
  complain: (trouble: Trouble | undefined) => void,
  onPaired: (device: Device) => void,
): Promise<void> {
  const api = circleTime();
  let pairing: Pairing | undefined;
  let pause = 0;
  while (!signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = TRY_AGAIN_MS;
    try {
      if (pairing === undefined) {
        const begun = await api.POST("/api/panel/pairings", { signal });
        pairing = begun.data?.data;
        if (begun.response.status === 429) pause = TRY_LATER_MS;
        complain(pairing ? undefined : pause === TRY_LATER_MS ? "tooMany" : "away");
        if (pairing) show(pairing);
        continue;
      }
      const body = { secret: pairing.secret };
      const claimed = await api.POST("/api/panel/pairings/claim", { body, signal });
      const data = claimed.data?.data;
      complain(claimed.response.status >= 500 ? "away" : undefined);
      if (data?.status === "paired") {
        onPaired({ token: data.token, roomId: String(data.device.roomId), name: data.device.name });
        return;
      }
      // The code has ended: nobody has entered it in time.
      if (claimed.response.status === 404) pairing = undefined;
    } catch {
      if (!signal.aborted) complain("away");
    }
  }
}
