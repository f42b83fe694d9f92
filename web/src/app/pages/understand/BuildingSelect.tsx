import { NativeSelect } from "@mantine/core";
import { useBuildings } from "./figures";
import { useChoice } from "./period";
import { useUnderstandText } from "./texts";

/** The building that a page is of, as its address has it; nothing for all of them. */
export const useBuilding = () => useChoice("building")[0];

export function BuildingSelect() {
  const t = useUnderstandText();
  const [building, choose] = useChoice("building");
  const { data = [] } = useBuildings();
  return (
    <NativeSelect
      aria-label={t("building")}
      value={building ?? ""}
      data={[
        { value: "", label: t("everyBuilding") },
        ...data.map(({ id, name }) => ({ value: String(id), label: name })),
      ]}
      onChange={(event) => choose(event.currentTarget.value || undefined)}
    />
  );
}
