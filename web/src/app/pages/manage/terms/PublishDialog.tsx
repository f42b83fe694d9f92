import { useQueryClient } from "@tanstack/react-query";
import { api, take } from "../../../api";
import { toast } from "../../../ui/toast";
import { Confirm } from "../parts/Dialog";
import type { Term } from "./data";
import { useTermsText } from "./texts";

export function PublishDialog({ term, close }: { term: Term; close: () => void }) {
  const t = useTermsText();
  const cache = useQueryClient();
  const publish = async () => {
    const path = { term_id: String(term.id) };
    await take(api.directory.POST("/api/terms/{term_id}/publish/", { params: { path } }));
    toast("good", t("publishedNow", { name: term.name }));
    close();
    await cache.invalidateQueries({ queryKey: ["terms"] });
  };
  return (
    <Confirm
      title={t("publishTitle", { name: term.name })}
      action={t("publish")}
      act={publish}
      close={close}
      isHarmless
    >
      <p>{t("publishFollows")}</p>
    </Confirm>
  );
}
