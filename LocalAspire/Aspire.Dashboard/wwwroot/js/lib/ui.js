import { h, debounce } from "./dom.js";
import { icon } from "./icons.js";
import { time } from "./format.js";

export const button = (name, label, onclick, properties) =>
    h("button", { type: "button", class: "tool", title: label, "aria-label": label, onclick, ...properties }, icon(name));

export const textButton = (text, onclick, properties) => h("button", { type: "button", onclick, ...properties }, text);

export function searchBox(label, value, onSearch, properties) {
    const input = h("input", { type: "search", placeholder: label, "aria-label": label, value, spellcheck: "false", oninput: debounce(() => onSearch(input.value)), ...properties });
    return h("span", { class: "search" }, icon("search"), input);
}

/** options: [value, text] pairs; replaced by setOptions while live, keeping what is chosen. */
export function select(label, options, value, onChange) {
    const element = h("select", { "aria-label": label, title: label, onchange: () => onChange(element.value) });
    element.setOptions = (next, chosen = element.value) => {
        if (!next.some(([option]) => option === chosen))
            next = [...next, [chosen, chosen]];
        if (JSON.stringify(next) !== element.dataset.options) {
            element.dataset.options = JSON.stringify(next);
            element.replaceChildren(...next.map(([option, text]) => h("option", { value: option }, text)));
        }
        element.value = chosen;
    };
    element.setOptions(options, value);
    return element;
}

export const check = (label, checked, onChange) => {
    const input = h("input", { type: "checkbox", checked, onchange: () => onChange(input.checked) });
    return h("label", { class: "check" }, input, label);
};

export const toolbar = (title, ...tools) => h("div", { class: "toolbar" }, h("h1", null, title), tools);

/** The milliseconds go where there is little room. */
export const timeCell = ms => { const [seconds, rest] = time(ms, true).split("."); return [seconds, rest ? h("span", { class: "ms" }, `.${rest}`) : null]; };

export const empty = (title, ...hints) => [h("h2", null, title), ...hints.map(hint => h("p", null, hint))];

const toasts = h("div", { class: "toasts", role: "status" });

export function toast(text, kind = "info") {
    if (!toasts.isConnected)
        document.body.append(toasts);
    const element = h("div", { class: `toast ${kind}` }, text);
    // The same news again does not pile up.
    for (const old of toasts.children)
        if (old.textContent === text)
            old.remove();
    toasts.append(element);
    setTimeout(() => element.remove(), kind === "error" ? 8000 : 4000);
}

export function dialog(title, content, actions = []) {
    const element = h("dialog", { "aria-label": title, onclose: () => element.remove() },
        h("h2", null, title), content,
        h("form", { method: "dialog", class: "actions" }, actions.map(([text, action, kind]) => h("button", { class: kind, onclick: action }, text)), h("button", { value: "close" }, actions.length ? "Cancel" : "Close")));
    document.body.append(element);
    element.showModal();
    return element;
}

/** A small menu below its button; it goes away by Escape or a click anywhere. */
export function menu(label, items, name = "more") {
    const list = h("div", { class: "menu", popover: "auto", role: "menu", onkeydown: event => {
        const entries = [...list.children].filter(entry => !entry.disabled), by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (!by)
            return;
        event.preventDefault();
        event.stopPropagation();
        entries.at((entries.indexOf(document.activeElement) + by) % entries.length)?.focus();
    } });
    const opener = button(name, label, () => {
        list.replaceChildren(...items().map(([text, action, properties]) =>
            typeof action === "string" ? h("a", { href: action, role: "menuitem", ...properties }, text)
                : h("button", { type: "button", role: "menuitem", ...properties, onclick: () => { list.hidePopover(); action(); } }, text)));
        list.togglePopover();
        list.querySelector(":enabled, a")?.focus();
        const box = opener.getBoundingClientRect();
        list.style.top = `${Math.min(box.bottom + 2, innerHeight - list.offsetHeight - 8)}px`;
        list.style.left = `${Math.max(8, Math.min(box.left, innerWidth - list.offsetWidth - 8))}px`;
    });
    return h("span", { class: "menu-of" }, opener, list);
}

export async function copy(text) {
    try {
        await navigator.clipboard.writeText(text);
        toast("Copied");
    } catch {
        toast("The browser does not let this page copy; mark the text instead.", "error");
    }
}
