import { h, svg } from "../lib/dom.js";
import { colorOf } from "../lib/colors.js";
import { stateOf } from "../lib/resources.js";
import { empty } from "../lib/ui.js";

const height = 48, gapX = 90, gapY = 22;

/** Who needs whom: what everything rests on stands right, and each resource left of all that it needs. */
export function drawGraph(root, resources, open) {
    const width = Math.min(320, Math.max(150, ...resources.map(resource => resource.name.length * 8 + 60)));
    const nodes = new Map();
    for (const resource of resources) {
        const node = nodes.get(resource.name) ?? { name: resource.name, resources: [], needs: new Map() };
        node.resources.push(resource);
        for (const { resource: target, type } of resource.relationships)
            if (target !== resource.name && resources.some(other => other.name === target))
                node.needs.set(target, [...new Set([...(node.needs.get(target) ?? []), type])]);
        if (resource.parent && resource.parent !== resource.name && resources.some(other => other.name === resource.parent))
            node.needs.set(resource.parent, [...(node.needs.get(resource.parent) ?? []), "Parent"]);
        nodes.set(resource.name, node);
    }
    // Parameters that nobody refers to would only be in the way.
    for (const node of [...nodes.values()])
        if (node.resources[0].type === "Parameter" && node.needs.size === 0 && ![...nodes.values()].some(other => other.needs.has(node.name)))
            nodes.delete(node.name);
    const stamp = JSON.stringify([...nodes.values()].map(node => [node.name, [...node.needs], node.resources.map(resource => stateOf(resource))]));
    if (root.dataset.stamp === stamp)
        return;
    root.dataset.stamp = stamp;
    if (nodes.size === 0)
        return root.replaceChildren(h("div", { class: "empty" }, empty("No resources yet", "An app host tells of its resources here.")));

    const layerOf = (node, above = new Set()) => node.layer ??= above.has(node.name) ? 0
        : Math.max(-1, ...[...node.needs.keys()].map(name => layerOf(nodes.get(name), new Set([...above, node.name])))) + 1;
    nodes.forEach(node => layerOf(node));
    const depth = Math.max(...[...nodes.values()].map(node => node.layer));
    const layers = Array.from({ length: depth + 1 }, (_, layer) => [...nodes.values()].filter(node => node.layer === layer));
    place(layers, nodes);

    const tallest = Math.max(...layers.map(layer => layer.length)) * (height + gapY);
    for (const [index, layer] of layers.entries())
        layer.forEach((node, row) => {
            node.x = (depth - index) * (width + gapX) + 8;
            node.y = (tallest - layer.length * (height + gapY)) / 2 + row * (height + gapY) + 10;
        });
    const size = { width: (depth + 1) * (width + gapX) - gapX + 16, height: tallest + 10 };
    const edges = [...nodes.values()].flatMap(node => [...node.needs].map(([name, types]) => edge(node, nodes.get(name), types, width)));
    root.replaceChildren(svg("svg", { viewBox: `0 0 ${size.width} ${size.height}`, width: size.width, height: size.height, role: "img", "aria-label": "Dependencies" },
        svg("defs", null, svg("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, svg("path", { d: "M0 0L8 4L0 8z" }))),
        edges, [...nodes.values()].map(node => box(node, root, open, width))));
}

// A few passes that bring each node near the middle of its neighbours; enough for some dozen resources.
function place(layers, nodes) {
    for (let pass = 0; pass < 4; pass++)
        for (const layer of layers) {
            const rank = new Map(layers.flatMap(other => other.map((node, index) => [node.name, index - other.length / 2])));
            const middle = node => {
                const near = [...node.needs.keys(), ...[...nodes.values()].filter(other => other.needs.has(node.name)).map(other => other.name)];
                return near.length ? near.reduce((sum, name) => sum + rank.get(name), 0) / near.length : 0;
            };
            layer.sort((a, b) => middle(a) - middle(b));
        }
}

function edge(from, to, types, width) {
    const x1 = from.x + width, y1 = from.y + height / 2, x2 = to.x - 3, y2 = to.y + height / 2, bend = (x2 - x1) / 2;
    return svg("path", { class: `edge ${types.every(type => type.startsWith("Wait")) ? "waits" : ""}`, "data-from": from.name, "data-to": to.name, "marker-end": "url(#arrow)",
        d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` }, svg("title", null, `${from.name} → ${to.name}: ${types.join(", ")}`));
}

function box(node, root, open, width) {
    const states = node.resources.map(stateOf), worst = ["bad", "warn", "busy", "idle", "good", "done"].map(kind => states.find(state => state.kind === kind)).find(Boolean);
    const light = on => () => root.querySelectorAll(".edge").forEach(line => line.classList.toggle("lit", on && (line.dataset.from === node.name || line.dataset.to === node.name)));
    const choose = () => open(node.resources[0]);
    return svg("g", { class: `node ${worst.kind} ${colorOf(node.name)}`, tabindex: 0, role: "button", transform: `translate(${node.x} ${node.y})`, onclick: choose,
        onkeydown: event => event.key === "Enter" && choose(), onmouseenter: light(true), onmouseleave: light(false), onfocus: light(true), onblur: light(false) },
        svg("rect", { width, height, rx: 7 }), svg("rect", { class: "stripe", width: 4, height: height - 16, x: 8, y: 8, rx: 2 }),
        svg("text", { class: "title", x: 22, y: 20 }, node.name + (node.resources.length > 1 ? ` ×${node.resources.length}` : "")),
        svg("circle", { cx: 26, cy: 34, r: 3.5 }), svg("text", { class: "sub", x: 36, y: 38 }, worst.text));
}
