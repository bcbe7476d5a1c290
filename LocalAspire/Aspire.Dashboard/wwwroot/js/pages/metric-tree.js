import { h } from "../lib/dom.js";
import { whereToSend } from "../lib/info.js";
import { tag } from "../lib/resources.js";
import { empty } from "../lib/ui.js";

/** Resource, meter, instrument. What is open stays open while it is drawn again. */
export function drawTree(root, all, { resource, meter, instrument }, search) {
    const stamp = JSON.stringify(all.map(one => [one.name, one.meters.map(each => [each.name, each.instruments.map(item => [item.name, item.overflow])])]));
    if (root.dataset.stamp === stamp)
        return;
    root.dataset.stamp = stamp;
    const open = new Set([...root.querySelectorAll("details[open]")].map(details => details.dataset.path));
    const path = (...parts) => `/metrics/resource/${parts[0]}/meter/${parts[1]}/instrument/${parts[2]}${search}`;
    if (all.length === 0)
        return root.replaceChildren(h("div", { class: "empty" }, empty("No metrics yet", ["They appear here as soon as a service sends some ", whereToSend()])));
    root.replaceChildren(...all.map(one => h("details", { "data-path": one.name, open: open.has(one.name) || one.name === resource || all.length === 1 || !resource }, h("summary", null, tag(one.name)),
        one.meters.map(each => h("details", { "data-path": `${one.name} ${each.name}`, open: open.has(`${one.name} ${each.name}`) || (one.name === resource && (!meter || each.name === meter)) }, h("summary", null, each.name, h("span", { class: "count" }, each.instruments.length)),
            each.instruments.map(item => h("a", { href: path(...[one.name, each.name, item.name].map(encodeURIComponent)), title: item.description ?? "", "aria-current": one.name === resource && each.name === meter && item.name === instrument ? "page" : null },
                item.name, item.overflow ? h("span", { class: "badge warn", title: "More series came than are held" }, "overflow") : null)))))));
    root.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}
