import { ApiError } from "./api";
import { useAppText } from "./texts";

/** Says an error in words that name the mend. Areas put their own words for refusals they know first. */
export function useErrorWords(): (error: unknown) => string {
  const t = useAppText();
  return (error) => {
    if (!(error instanceof ApiError)) return t("error.unknown", { status: String(error) });
    const { status, message, retryAfterSeconds } = error;
    switch (status) {
      case 0:
        return t("error.away");
      case 401:
        return t("error.unauthorized");
      case 403:
        return t("error.forbidden");
      case 404:
        return t("error.notFound");
      case 409:
        return t("error.conflict", { message });
      case 413:
        return t("error.tooLarge");
      case 429:
        return t("error.tooOften", { count: retryAfterSeconds ?? 60 });
      case 502:
      case 503:
      case 504:
        return t("error.unavailable");
      default:
        return status < 500 ? t("error.invalid", { message }) : t("error.unknown", { status });
    }
  };
}
