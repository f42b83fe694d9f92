import { useCallback, useState } from "react";
import { DoorPage } from "./DoorPage";
import { type Device, forget, kept } from "./device";
import { PairingPage } from "./PairingPage";

/** The tablet at a door: to be paired with a room at first, then that room's panel. */
export function PanelPage() {
  const [device, setDevice] = useState(() => kept.device.get());
  const [wasRevoked, setWasRevoked] = useState(false);
  const paired = useCallback((made: Device) => {
    kept.device.put(made);
    setDevice(made);
  }, []);
  const revoked = useCallback(() => {
    forget();
    setDevice(undefined);
    setWasRevoked(true);
  }, []);
  if (device === undefined) return <PairingPage wasRevoked={wasRevoked} onPaired={paired} />;
  return <DoorPage key={device.token} device={device} onRevoked={revoked} />;
}
