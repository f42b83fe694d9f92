import { useMantineColorScheme } from "@mantine/core";
import { useColorScheme } from "@mantine/hooks";
import { BarChart, HeatmapChart, LineChart, ScatterChart } from "echarts/charts";
import {
  AriaComponent,
  DatasetComponent,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TooltipComponent,
  VisualMapComponent,
} from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import { useLanguage } from "../text";
import { SERIES } from "../theme";

echarts.use([
  BarChart,
  HeatmapChart,
  LineChart,
  ScatterChart,
  AriaComponent,
  DatasetComponent,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TooltipComponent,
  VisualMapComponent,
  CanvasRenderer,
]);

export type ChartOption = echarts.EChartsCoreOption;

interface Props {
  /** What it shows, for whoever does not see it; its figures stand in a table beside it. */
  label: string;
  option: ChartOption;
  height?: number;
}

/** A chart by ECharts; load it with `lazy(() => import("../../ui/Chart"))`. */
export default function Chart(props: Props) {
  const language = useLanguage();
  const { colorScheme } = useMantineColorScheme({ keepTransitions: true });
  const system = useColorScheme();
  // Drawn anew in other colours.
  return <Drawn key={`${language} ${colorScheme} ${system}`} {...props} />;
}

function Drawn({ label, option, height = 320 }: Props) {
  const place = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (place.current === null) return;
    const { current } = place;
    let chart = draw(current, option, coloursOf(document.documentElement));
    // On paper it is dark on white, whatever it is on the screen, and it is whole at once.
    const drawFor = (colours: Colours, width?: number) => () => {
      chart.dispose();
      chart = draw(current, { ...option, animation: false }, colours, width);
    };
    const forPaper = drawFor(PAPER, PAPER_WIDTH);
    const forScreen = drawFor(coloursOf(document.documentElement));
    addEventListener("beforeprint", forPaper);
    addEventListener("afterprint", forScreen);
    const watch = new ResizeObserver(() => chart.resize());
    watch.observe(current);
    return () => {
      removeEventListener("beforeprint", forPaper);
      removeEventListener("afterprint", forScreen);
      watch.disconnect();
      chart.dispose();
    };
  }, [option]);

  return <div ref={place} role="img" aria-label={label} style={{ blockSize: height }} dir="ltr" />;
}

interface Colours {
  text: string;
  edge: string;
  raised: string;
}

const PAPER: Colours = { text: "#2f3a45", edge: "#d3dae2", raised: "#ffffff" };

/** Of a chart on a sheet of A4, in pixels. */
const PAPER_WIDTH = 640;

/** The theme's colours: a canvas knows none of its variables. */
function coloursOf(root: HTMLElement): Colours {
  const style = getComputedStyle(root);
  const read = (name: string): string => {
    const value = style.getPropertyValue(name).trim();
    const inner = /^var\((.+)\)$/.exec(value)?.[1];
    return inner ? style.getPropertyValue(inner).trim() : value;
  };
  return { text: read("--quiet"), edge: read("--edge"), raised: read("--raised") };
}

function draw(place: HTMLElement, option: ChartOption, colours: Colours, width?: number) {
  const { text, edge, raised } = colours;
  const axis = {
    axisLine: { lineStyle: { color: edge } },
    axisLabel: { color: text },
    splitLine: { lineStyle: { color: edge } },
  };
  const theme = {
    color: SERIES,
    backgroundColor: "transparent",
    textStyle: { fontFamily: "Vazirmatn Variable, system-ui, sans-serif", color: text },
    legend: { textStyle: { color: text } },
    categoryAxis: axis,
    valueAxis: axis,
    timeAxis: axis,
    visualMap: { textStyle: { color: text } },
    bar: { label: { color: text } },
  };
  const chart = echarts.init(place, theme, width === undefined ? {} : { width });
  // Drawn, not written as HTML: the page's policy lets no style be written into it.
  const tooltip = {
    renderMode: "richText",
    backgroundColor: raised,
    borderColor: edge,
    textStyle: { color: text },
  };
  const given = option.tooltip;
  chart.setOption({
    animationDuration: 300,
    ...option,
    ...(typeof given === "object" && given !== null && { tooltip: { ...tooltip, ...given } }),
  });
  return chart;
}
