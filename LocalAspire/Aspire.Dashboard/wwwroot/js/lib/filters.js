import { h } from "./dom.js";
import { get } from "./api.js";
import { icon } from "./icons.js";
import { textButton } from "./ui.js";

const operators = [["eq", "is"], ["ne", "is not"], ["contains", "contains"], ["notcontains", "does not contain"], ["gt", ">"], ["lt", "<"], ["ge", "≥"], ["le", "≤"], ["exists", "exists"]];

export const encode = ({ field, op, value }) => [field, op, value].map(encodeURIComponent).join(":");

const decode = text => {
    const [field = "", op = "eq", value = ""] = text.split(":").map(decodeURIComponent);
    return { field, op, value };
};

/** Filters by field, shown as chips; a click on a chip edits it. of: "logs" or "spans". */
export class Filters {
    #id = `fields-${Math.random().toString(36).slice(2)}`;

    constructor(of, encoded, onChange) {
        this.of = of;
        this.items = encoded.map(decode);
        this.onChange = onChange;
        this.form = h("form", { class: "menu filter-form", popover: "auto", onsubmit: event => this.#submit(event) });
        this.chips = h("span", { class: "chips" });
        this.opener = h("button", { type: "button", class: "with-icon", onclick: () => this.#edit(null) }, icon("filter"), "Filter");
        this.element = h("span", { class: "filters" }, this.chips, this.opener, this.form);
        this.#draw();
    }

    get encoded() { return this.items.map(encode); }

    #changed() {
        this.#draw();
        this.onChange();
    }

    #draw() {
        this.chips.replaceChildren(...this.items.map((item, index) => h("span", { class: "chip" },
            h("button", { type: "button", title: "Change", onclick: () => this.#edit(index) },
                h("b", null, item.field), ` ${operators.find(([op]) => op === item.op)?.[1] ?? item.op} `, item.op === "exists" ? "" : item.value),
            h("button", { type: "button", title: "Remove", "aria-label": `Remove the filter on ${item.field}`, onclick: () => { this.items.splice(index, 1); this.#changed(); } }, icon("close")))));
    }

    async #edit(index) {
        const item = this.items[index] ?? { field: "", op: "eq", value: "" };
        this.editing = index;
        const list = h("datalist", { id: this.#id });
        this.field = h("input", { list: this.#id, value: item.field, required: true, placeholder: this.of === "logs" ? "job_id" : "http.route", "aria-label": "Field", spellcheck: "false" });
        this.op = h("select", { "aria-label": "Condition" }, operators.map(([op, text]) => h("option", { value: op, selected: op === item.op }, text)));
        this.value = h("input", { value: item.value, placeholder: "value", "aria-label": "Value", spellcheck: "false" });
        const values = () => { this.value.hidden = this.op.value === "exists"; };
        this.op.addEventListener("change", values);
        values();
        this.form.replaceChildren(this.field, this.op, this.value, h("div", { class: "actions" }, h("button", { class: "primary" }, index === null ? "Add" : "Change"), textButton("Cancel", () => this.form.hidePopover())), list);
        this.form.showPopover();
        const box = this.opener.getBoundingClientRect();
        this.form.style.top = `${box.bottom + 4}px`;
        this.form.style.left = `${Math.max(8, Math.min(box.left, innerWidth - this.form.offsetWidth - 8))}px`;
        this.field.focus();
        const { fields } = await get(`/fields?of=${this.of}`);
        list.append(...fields.map(field => h("option", { value: field })));
    }

    #submit(event) {
        event.preventDefault();
        const item = { field: this.field.value.trim(), op: this.op.value, value: this.op.value === "exists" ? "" : this.value.value.trim() };
        this.editing === null ? this.items.push(item) : this.items.splice(this.editing, 1, item);
        this.form.hidePopover();
        this.#changed();
    }
}
