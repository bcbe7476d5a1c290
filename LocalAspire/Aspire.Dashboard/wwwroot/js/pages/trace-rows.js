// What the waterfall shows, row by row. No drawing here.

/** Spans with their log records between their children, in the order of time. Below a folded span nothing is listed. */
export function rowsOf(trace, folded, withLogs) {
    const nodes = new Map(trace.spans.map(span => [span.id, { span, offset: span.offset, depth: span.depth, children: [] }]));
    const top = [];
    const path = [];
    for (const node of nodes.values()) {
        path.length = node.depth;
        (path.at(-1)?.children ?? top).push(node);
        path.push(node);
    }
    for (const log of withLogs ? trace.logs : []) {
        const parent = nodes.get(log.spanId);
        (parent?.children ?? top).push({ log, offset: log.offset, depth: parent ? parent.depth + 1 : 0, parent: parent?.span });
    }
    const rows = [];
    const add = node => {
        const closed = node.span && folded.has(node.span.id);
        rows.push({ span: node.span, log: node.log, depth: node.depth, parent: node.parent?.id ?? node.span?.parent ?? null, children: node.children?.length ?? 0, closed: !!closed,
            gaps: node.span ? gapsOf(node) : [] });
        if (node.span && !closed)
            [...node.children].sort((a, b) => a.offset - b.offset).forEach(add);
    };
    top.sort((a, b) => a.offset - b.offset).forEach(add);
    return rows;
}

/** The parts of a span in which none of its children was at work. A span without children has none: it was at work itself. */
function gapsOf({ span, children }) {
    const below = children.filter(child => child.span);
    return below.length === 0 ? [] : uncovered(below.map(child => [child.offset, child.offset + child.span.duration]), span.offset, span.offset + span.duration);
}

/** The parts of a trace in which no span at all was at work. */
export const silences = (trace, end) => uncovered(trace.spans.filter(span => !span.missing).map(span => [span.offset, span.offset + span.duration]), 0, end);

function uncovered(parts, from, to) {
    const gaps = [];
    let until = from;
    for (const [start, end] of parts.sort((a, b) => a[0] - b[0])) {
        if (start > until)
            gaps.push([until, Math.min(start, to)]);
        until = Math.max(until, end);
    }
    if (until < to)
        gaps.push([until, to]);
    return gaps.filter(([start, end]) => end > start);
}

export const parentsOf = (trace, id) => {
    const byId = new Map(trace.spans.map(span => [span.id, span]));
    const found = [];
    for (let span = byId.get(byId.get(id)?.parent); span && !found.includes(span.id); span = byId.get(span.parent))
        found.push(span.id);
    return found;
};

/** Ids of the spans and sequence numbers of the log records that contain a text, in the order of the rows. */
export function matches(trace, text) {
    const wanted = text.trim().toLowerCase();
    if (wanted === "")
        return [];
    const has = value => JSON.stringify(value).toLowerCase().includes(wanted);
    const values = list => list.map(({ key, value }) => [key, value]);
    return rowsOf(trace, new Set(), true).filter(({ span, log }) => span
        ? has([span.name, span.resource, span.instance, span.id, span.scope, span.statusMessage, values(span.attributes), span.events.map(event => [event.name, values(event.attributes)])])
        : has([log.message, log.event, log.resource])).map(row => keyOf(row));
}

export const keyOf = ({ span, log }) => span ? span.id : `log ${log.seq}`;

/** The job that a trace is about, by the names that its attributes have. */
export function jobOf(trace) {
    for (const span of trace.spans)
        for (const { key, value } of span.attributes)
            if ((key === "job.id" || key === "job_id") && typeof value === "string")
                return { key, value };
    return null;
}
