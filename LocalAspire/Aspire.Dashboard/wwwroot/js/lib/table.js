import { h } from "./dom.js";
import { Cursor } from "./cursor.js";
import { VirtualList } from "./virtual.js";

/**
 * A table on a virtual list. The widths of its columns stand in the style sheet, by its class, as --columns; so does which of them go when it is narrow.
 * Arrow keys move, Enter and a click open.
 */
export class Table {
    #selected = null;

    constructor({ className, label, columns, rowHeight = 30, item, key, open, rowClass, sort, onSort, onScroll, empty }) {
        Object.assign(this, { columns, item, key, open, empty });
        this.head = h("div", { class: "row head", role: "row" });
        this.sort = sort;
        this.onSort = onSort;
        this.#drawHead();
        this.list = new VirtualList({
            rowHeight, item, key, label, onScroll,
            render: (value, index) => {
                const row = h("div", { class: `row ${rowClass?.(value) ?? ""}`, role: "row", onclick: event => this.#click(event, value, index) },
                    columns.map(column => h("div", { class: `cell ${column.class ?? ""}`, role: "gridcell" }, column.cell(value))));
                for (const control of row.querySelectorAll("a, button"))
                    control.tabIndex = -1;
                return row;
            },
        });
        this.cursor = new Cursor(this.list, { count: () => this.count, open: index => this.#open(index) });
        this.list.onRow = (element, value, index) => {
            element.classList.toggle("selected", value !== undefined && this.#selected !== null && key(value) === this.#selected);
            this.cursor.mark(element, index);
        };
        this.message = h("div", { class: "empty", hidden: true });
        this.element = h("div", { class: `table ${className}`, role: "grid", "aria-label": label }, this.head, this.list.element, this.message);
    }

    setCount(count, moved) {
        this.count = count;
        this.cursor.settle();
        this.list.setCount(count, moved);
        this.element.setAttribute("aria-rowcount", count);
        this.message.hidden = count > 0;
        if (count === 0)
            this.message.replaceChildren(...[this.empty()].flat());
    }

    select(key) {
        this.#selected = key;
        this.list.draw();
    }

    setSort(sort) {
        this.sort = sort;
        this.#drawHead();
    }

    #drawHead() {
        this.head.replaceChildren(...this.columns.map(column => {
            const active = this.sort?.by === column.sort;
            return h("div", { class: `cell ${column.class ?? ""}`, role: "columnheader", "aria-sort": column.sort && active ? (this.sort.descending ? "descending" : "ascending") : null },
                column.sort
                    ? h("button", { class: "sort", onclick: () => this.onSort({ by: column.sort, descending: active ? !this.sort.descending : column.sort !== "name" }) },
                        column.title, h("span", { class: "arrow" }, active ? (this.sort.descending ? "↓" : "↑") : ""))
                    : column.title);
        }));
    }

    #click(event, value, index) {
        // A link or button in the row does its own work, and marking text is no click.
        if (event.target.closest("a, button") || String(getSelection()))
            return;
        this.cursor.at(index);
        this.open(value, index);
    }

    #open(index) {
        const value = this.item(index);
        if (value !== undefined)
            this.open(value, index);
    }
}
