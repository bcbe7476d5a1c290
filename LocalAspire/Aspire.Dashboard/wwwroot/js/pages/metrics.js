import { h } from "../lib/dom.js";
import { get, query as queryOf } from "../lib/api.js";
import { watch } from "../lib/live.js";
import { Chart } from "../lib/chart.js";
import { empty, select, toolbar } from "../lib/ui.js";
import * as format from "../lib/format.js";
import * as resources from "../lib/resources.js";
import { setQuery, go } from "../lib/router.js";
import { drawTree } from "./metric-tree.js";
import { valuesTable } from "./metric-table.js";

const ranges = [["1", "1 minute"], ["5", "5 minutes"], ["15", "15 minutes"], ["30", "30 minutes"], ["60", "1 hour"], ["180", "3 hours"], ["360", "6 hours"], ["720", "12 hours"]];
const kinds = { counter: "per second", updown: "value", gauge: "value", histogram: "percentiles" };

export function metricsPage(root, { parameters, query, signal }) {
    const { resource, meter, instrument } = parameters;
    let minutes = query.get("minutes") ?? "5", view = query.get("view") ?? "graph";
    const chosen = new Map(query.getAll("dimension").map(text => text.split(":").map(decodeURIComponent)).reduce((map, [key, value]) => map.set(key, [...(map.get(key) ?? []), value]), new Map()));
    const encoded = () => [...chosen].flatMap(([key, values]) => values.map(value => `${encodeURIComponent(key)}:${encodeURIComponent(value)}`));

    const which = select("Resource", [["", "All resources"]], resource ?? "", name => go(`/metrics${name ? `/resource/${encodeURIComponent(name)}` : ""}${location.search}`));
    const tree = h("nav", { class: "metric-tree", "aria-label": "Instruments" });
    const title = h("div", { class: "metric-title" }), dimensions = h("div", { class: "dimensions" }), legend = h("div", { class: "chart-legend" }), body = h("div", { class: "metric-body" });
    const chart = new Chart(instrument ?? "Metric"), rate = new Chart("Observations per second");
    const panel = h("section", { class: "metric" }, instrument ? [title, dimensions, body, legend] : h("div", { class: "empty" }, empty("Choose an instrument", "Counters are shown as what they grow by in a second, histograms as percentiles.")));

    const tabs = () => [["graph", "Graph"], ["table", "Table"]].map(([name, text]) => h("button", { type: "button", "aria-pressed": view === name, onclick: () => { view = name; setQuery({ view: name === "graph" ? null : name }); viewTabs.replaceChildren(...tabs()); refresh(); } }, text));
    const viewTabs = h("span", { class: "tabs" }, tabs());

    function choose(key, value, on) {
        const values = (chosen.get(key) ?? []).filter(other => other !== value).concat(on ? [value] : []);
        values.length ? chosen.set(key, values) : chosen.delete(key);
        setQuery({ dimension: encoded() });
        refresh();
    }

    function drawDimensions(list) {
        const stamp = JSON.stringify([list, [...chosen]]);
        if (dimensions.dataset.stamp === stamp)
            return;
        dimensions.dataset.stamp = stamp;
        dimensions.replaceChildren(...list.filter(({ values }) => values.length > 1 || chosen.size).map(({ key, values }) => h("fieldset", null, h("legend", null, key),
            values.slice(0, 40).map(value => h("label", { class: "check" }, h("input", { type: "checkbox", checked: chosen.get(key)?.includes(value) ?? false, onchange: event => choose(key, value, event.target.checked) }), value || "(empty)")))));
    }

    async function load() {
        const points = Math.min(400, Math.max(60, Math.round(body.clientWidth / 6)));
        const data = await get(`/metrics/series${queryOf({ resource, meter, instrument, minutes, points, dimension: encoded() })}`, signal);
        const histogram = data.kind === "histogram", name = series => Object.entries(series.attributes).map(([key, value]) => `${key} ${value}`).join(", ") || instrument;
        const lines = histogram ? Object.entries(data.percentiles).map(([key, values], index) => ({ name: key.toUpperCase(), color: ["c3", "c0", "c1"][index], values })).reverse()
            : data.series.map((series, index) => ({ name: name(series), color: `c${index % 10}`, values: series.values }));
        const exemplars = data.exemplars.filter(exemplar => exemplar.traceId).map(exemplar => ({ ...exemplar, href: `/traces/detail/${exemplar.traceId}?spanId=${exemplar.spanId}` }));
        title.replaceChildren(h("h2", null, instrument), h("p", null, data.description || "", h("span", { class: "faint" }, ` ${[data.kind, kinds[data.kind], format.unitName(data.unit)].filter(Boolean).join(" · ")}`)),
            h("p", { class: "total" }, histogram ? `${format.number(data.total.findLast(value => value !== null) ?? 0)} observations in all` : `${data.kind === "counter" ? "Total" : "Now"} ${format.withUnit(data.total.findLast(value => value !== null) ?? null, data.unit)}`));
        drawDimensions(data.dimensions);
        legend.replaceChildren(...(view === "graph" ? lines.map(line => h("span", null, h("i", { class: line.color }), line.name)) : []), data.hiddenSeries ? h("span", { class: "faint" }, `and ${data.hiddenSeries} quieter series`) : "", exemplars.length && view === "graph" ? h("span", { class: "faint" }, "◆ exemplars: a click opens the trace") : "");
        if (view === "table")
            return body.replaceChildren(valuesTable(data, lines));
        if (!chart.element.isConnected)
            body.replaceChildren(chart.element, ...(histogram ? [h("h3", null, "Observations per second"), rate.element] : []));
        const unit = data.kind === "counter" ? "" : data.unit;
        chart.show({ ...data, series: lines, unit: data.kind === "counter" && data.unit === "By" ? "By" : unit, points: histogram ? exemplars : [] });
        if (histogram)
            rate.show({ ...data, unit: "", series: data.series.map((series, index) => ({ name: name(series), color: `c${index % 10}`, values: series.values })) });
    }

    root.append(toolbar("Metrics", which, select("Time range", ranges, minutes, value => { minutes = value; setQuery({ minutes }); refresh(); }), viewTabs), h("div", { class: "split metrics" }, tree, panel));
    watch(["metrics"], async () => {
        const { resources: all } = await get("/metrics", signal);
        which.setOptions([["", "All resources"], ...all.map(({ name }) => [name, name])], resource ?? "");
        drawTree(tree, resource && !instrument ? all.filter(({ name }) => name === resource) : all, parameters, location.search);
    }, signal, { interval: 1000 });
    const refresh = instrument ? watch(["metrics"], load, signal, { interval: 500 }) : () => {};
}
