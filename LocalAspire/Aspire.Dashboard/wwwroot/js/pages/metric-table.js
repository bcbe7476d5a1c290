import { h } from "../lib/dom.js";
import * as format from "../lib/format.js";

/** The same as the chart, as numbers; newest first. Steps without any value are left out. */
export function valuesTable(data, lines) {
    const unit = data.kind === "counter" ? "" : data.unit;
    const filled = data.times.map((time, index) => ({ time, index })).filter(({ index }) => lines.some(line => line.values[index] !== null)).reverse();
    return h("div", { class: "values" }, h("table", null,
        h("thead", null, h("tr", null, h("th", null, "Time"), lines.map(line => h("th", null, line.name)), data.kind === "histogram" ? h("th", null, "Count") : h("th", null, "Total"))),
        h("tbody", null, filled.map(({ time, index }) => h("tr", null, h("td", null, format.time(time)), lines.map(line => h("td", null, format.withUnit(line.values[index], unit))), h("td", null, format.number(data.total[index])))))));
}
