import { Sections } from "../parts/Sections";
import { useRoomsText } from "./texts";

export function RoomSections() {
  const t = useRoomsText();
  return (
    <Sections
      label={t("sections")}
      sections={[
        { path: "/manage/rooms", name: t("rooms") },
        { path: "/manage/rooms/buildings", name: t("buildings") },
        { path: "/manage/rooms/amenities", name: t("amenities") },
      ]}
    />
  );
}
