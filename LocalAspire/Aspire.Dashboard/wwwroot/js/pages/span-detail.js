import { h } from "../lib/dom.js";
import { section, properties } from "../lib/pane.js";
import * as format from "../lib/format.js";
import { tag } from "../lib/resources.js";
import { encode } from "../lib/filters.js";
import { icon } from "../lib/icons.js";

const filterLink = (key, value) => h("a", { class: "tool", title: "All traces with this value", "aria-label": "Filter", href: `/traces?filter=${encodeURIComponent(encode({ field: key, op: "eq", value: format.valueText(value) }))}` }, icon("filter"));

const spanLink = link => h("a", { href: `/traces/detail/${link.traceId}?spanId=${link.spanId}` }, link.name ? [link.resource ? tag(link.resource) : null, ` ${link.name}`] : `${link.traceId.slice(0, 7)} / ${link.spanId.slice(0, 7)} (not held here)`);

const links = list => h("ul", { class: "links" }, list.map(link => h("li", null, spanLink(link), link.attributes?.length ? properties(link.attributes.map(({ key, value }) => [key, value])) : null)));

export function showSpan(pane, trace, { span, gaps }, openLog) {
    const logs = trace.logs.filter(log => log.spanId === span.id);
    const critical = span.critical.reduce((sum, [from, to]) => sum + to - from, 0);
    const outside = gaps.reduce((sum, [from, to]) => sum + to - from, 0);
    pane.show(span.name,
        h("div", { class: "pane-links" },
            h("a", { class: "button", href: `/structuredlogs?traceId=${trace.id}&spanId=${span.id}` }, "Log records"),
            h("a", { class: "button", href: `/consolelogs/resource/${encodeURIComponent(span.instance)}?at=${Math.floor(trace.start + span.offset)}` }, "Console lines")),
        span.missing ? h("p", { class: "note" }, "This span has not come. A span comes when it ends; until then it is known from its children only.") : null,
        span.statusMessage ? h("pre", { class: "exception" }, span.statusMessage) : null,
        properties([["Resource", tag(span.resource, span.instance)], ["Duration", format.duration(span.duration)], ["Starts", `${format.duration(span.offset)} after the trace, at ${format.time(trace.start + span.offset, true)}`],
            ["Critical path", critical > 0 ? `${format.duration(critical)} (${format.percent(100 * critical / (trace.duration || 1))} of the trace)` : null],
            ["Outside its children", gaps.length ? format.duration(outside) : null], ["Kind", span.kind], ["Status", span.status === "Unset" ? null : span.status], ["Talks to", span.peer], ["Scope", span.scope], ["Span", span.id]]),
        span.attributes.length ? section("Attributes", properties(span.attributes.map(({ key, value }) => [key, value, filterLink(key, value)])), { count: span.attributes.length }) : null,
        span.events.length ? section("Events", span.events.map(event => h("div", { class: "event-of" }, h("h3", null, event.name, h("span", { class: "faint" }, ` after ${format.duration(event.offset)}`)), properties(event.attributes.map(({ key, value }) => [key, value])))), { count: span.events.length }) : null,
        span.links.length ? section("Links to", links(span.links), { count: span.links.length }) : null,
        span.backlinks.length ? section("Linked from", links(span.backlinks), { count: span.backlinks.length }) : null,
        logs.length ? section("Log records", h("ul", { class: "links" }, logs.map(log => h("li", null, h("button", { type: "button", class: "link", onclick: () => openLog(log) }, h("span", { class: `level ${log.severity.toLowerCase()}` }), log.event ? h("b", null, `${log.event} `) : null, log.message)))), { count: logs.length }) : null);
}
