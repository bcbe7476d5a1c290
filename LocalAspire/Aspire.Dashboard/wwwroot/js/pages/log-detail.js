import { h } from "../lib/dom.js";
import { section, properties } from "../lib/pane.js";
import * as format from "../lib/format.js";
import * as resources from "../lib/resources.js";
import { encode } from "../lib/filters.js";
import { icon } from "../lib/icons.js";

const filterLink = (resource, field, value) => h("a", {
    class: "tool", title: "Only records with this value", "aria-label": "Filter",
    href: `/structuredlogs${resource ? `/resource/${encodeURIComponent(resource)}` : ""}?filter=${encodeURIComponent(encode({ field, op: "eq", value: format.valueText(value) }))}`,
}, icon("filter"));

export function showLog(pane, { log, observed, attributes, scopeAttributes, resourceAttributes, exceptionText }, resource) {
    const rows = list => properties(list.map(({ key, value }) => [key, value, filterLink(resource, key, value)]));
    pane.show(log.event ?? "Log record",
        h("div", { class: "pane-links" },
            log.traceId ? h("a", { class: "button", href: `/traces/detail/${log.traceId}?spanId=${log.spanId ?? ""}` }, "Trace") : null,
            h("a", { class: "button", href: `/consolelogs/resource/${encodeURIComponent(log.instance)}?at=${Math.floor(log.time)}` }, "Console lines")),
        h("pre", { class: "message" }, log.message),
        exceptionText ? section("Exception", h("pre", { class: "exception" }, exceptionText)) : null,
        properties([["Level", log.severity], ["Time", format.timestamp(log.time)], ["Resource", resources.tag(log.resource, log.instance)], ["Scope", log.scope],
            ["Trace", log.traceId], ["Span", log.spanId], ["Arrived", observed && Math.abs(observed - log.time) > 1 ? format.timestamp(observed) : null]]),
        attributes.length ? section("Attributes", rows(attributes), { count: attributes.length }) : null,
        scopeAttributes.length ? section("Scope", rows(scopeAttributes), { count: scopeAttributes.length }) : null,
        section("Resource", properties(resourceAttributes.map(({ key, value }) => [key, value])), { open: false, count: resourceAttributes.length }));
}
