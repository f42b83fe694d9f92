import { useMemo } from "react";
import { type Formats, useFormats } from "../../formats";
import { isolated } from "../../text";
import { SERIES } from "../../theme";
import type { ChartOption } from "../../ui/Chart";

/** As many rooms as a chart shows; its table has all. */
export const MOST_BARS = 20;

const BAR_HEIGHT = 30;
const AROUND = 64;
/** For what is written at the end of a bar. */
const BESIDE = 56;

interface Series {
  name: string;
  values: (number | null)[];
  /** Those of one name are put on top of each other. */
  stack?: string;
  color?: string | undefined;
}

type Write = (value: number) => string;

/** A canvas is written from left to right: what begins with a number, as dates do, would turn around. */
const drawn = (text: string) => text.split("\n").map(isolated).join("\n");

/** Rows are bars from the side where reading begins; with more than one series, told apart by pattern. */
export function barsOf(names: string[], series: Series[], write: Write, formats: Formats) {
  const isRtl = formats.language === "fa";
  const isOne = series.length === 1;
  const isStacked = series.some(({ stack }) => stack !== undefined);
  const option: ChartOption = {
    ...common(series, write, isRtl, isOne ? BESIDE : 0),
    xAxis: {
      type: "value",
      inverse: isRtl,
      axisLabel: { formatter: (value: number) => drawn(write(value)), hideOverlap: true },
    },
    yAxis: {
      type: "category",
      data: names,
      inverse: true,
      position: isRtl ? "right" : "left",
      axisTick: { show: false },
      axisLabel: { formatter: drawn, width: 130, overflow: "truncate" },
    },
    series: series.map(({ name, values, stack, color }) => ({
      type: "bar",
      name,
      data: values,
      barMaxWidth: 18,
      ...(stack !== undefined && { stack }),
      itemStyle: {
        borderRadius: isStacked ? 0 : isRtl ? [4, 0, 0, 4] : [0, 4, 4, 0],
        ...(color && { color }),
      },
      label: {
        show: isOne,
        position: isRtl ? "left" : "right",
        formatter: ({ value }: { value: number }) => drawn(write(value)),
      },
    })),
  };
  const high = isOne || isStacked ? 1 : 0.55 * series.length;
  return { option, height: Math.round(names.length * BAR_HEIGHT * high) + AROUND };
}

/**
 * Columns by hour, week or the like, in the order of reading.
 *
 * @param isLevel lines instead, for what lasts from one to the next.
 */
export function columnsOf(
  names: string[],
  series: Series[],
  write: Write,
  formats: Formats,
  isLevel = false,
) {
  const isRtl = formats.language === "fa";
  // Bars of one column stand side by side from left to right.
  const inOrder =
    isRtl && !isLevel
      ? series.map((one, index) => ({ ...one, color: one.color ?? SERIES[index] })).toReversed()
      : series;
  const option: ChartOption = {
    ...common(series, write, isRtl),
    xAxis: {
      type: "category",
      data: names,
      inverse: isRtl,
      axisTick: { show: false },
      axisLabel: { formatter: drawn, hideOverlap: true, lineHeight: 16 },
    },
    yAxis: {
      type: "value",
      position: isRtl ? "right" : "left",
      axisLabel: { formatter: (value: number) => drawn(write(value)) },
    },
    series: inOrder.map(({ name, values, stack, color }, index) => ({
      name,
      data: values,
      ...(isLevel
        ? {
            type: "line",
            step: "middle",
            showSymbol: false,
            lineStyle: { type: index === 0 ? "solid" : "dashed" },
          }
        : {
            type: "bar",
            barMaxWidth: 36,
            ...(stack !== undefined && { stack }),
            itemStyle: { borderRadius: stack ? 0 : [4, 4, 0, 0], ...(color && { color }) },
          }),
    })),
  };
  return { option, height: 300 };
}

/** @param beside pixels that are left free at the side to which bars grow. */
function common(series: Series[], write: Write, isRtl: boolean, beside = 0): ChartOption {
  const isOne = series.length === 1;
  const names = series.map(({ name }) => name);
  return {
    grid: {
      left: 4 + (isRtl ? beside : 0),
      right: 4 + (isRtl ? 0 : beside),
      top: isOne ? 12 : 40,
      bottom: 4,
      outerBoundsMode: "same",
      outerBoundsContain: "axisLabel",
    },
    legend: {
      show: !isOne,
      top: 0,
      icon: "roundRect",
      itemWidth: 18,
      align: isRtl ? "right" : "left",
      data: isRtl ? names.toReversed() : names,
      formatter: drawn,
    },
    // Told apart by pattern as well: in grey, and by whoever does not see colours.
    aria: { enabled: true, label: { enabled: false }, decal: { show: !isOne } },
    tooltip: {
      trigger: "axis",
      axisPointer: { type: "shadow" },
      formatter: (shown: { name: string; seriesName: string; value: number | null }[]) =>
        drawn(
          [
            shown[0]?.name,
            ...shown
              .toSorted(
                (one, other) => names.indexOf(one.seriesName) - names.indexOf(other.seriesName),
              )
              .map(({ seriesName, value }) => {
                const written = value === null || value === undefined ? "—" : write(value);
                return isOne ? written : `${seriesName}: ${written}`;
              }),
          ].join("\n"),
        ),
    },
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches && series.length > 0,
  };
}

/** A chart that is made anew only when what it shows has changed. */
export function useChart<T>(
  data: T | undefined,
  make: (data: T, formats: Formats) => { option: ChartOption; height: number },
) {
  const formats = useFormats();
  // biome-ignore lint/correctness/useExhaustiveDependencies: what it is made of is data and language
  return useMemo(() => (data === undefined ? undefined : make(data, formats)), [data, formats]);
}
